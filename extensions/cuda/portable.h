// What the kernels stand on, for nvcc and for a plain C++ compiler alike.
//
// A kernel is a function of its arguments and the index of a thread. nvcc launches it over a grid;
// without nvcc the same function runs in a loop, so that its arithmetic is tested on any machine.
#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "launchers.h"

#ifdef __CUDACC__
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#define SMIS_INLINE __host__ __device__ __forceinline__
#define SMIS_UNROLL _Pragma("unroll")
#else
#define SMIS_INLINE inline
#define SMIS_UNROLL
#endif

namespace smis {

#ifdef __CUDACC__

using half = __half;
using bfloat = __nv_bfloat16;

SMIS_INLINE float widen(half value) { return __half2float(value); }
SMIS_INLINE float widen(bfloat value) { return __bfloat162float(value); }
SMIS_INLINE void narrow(float value, half& out) { out = __float2half_rn(value); }
SMIS_INLINE void narrow(float value, bfloat& out) { out = __float2bfloat16_rn(value); }

#else

using half = _Float16;
struct bfloat {
  uint16_t bits;
};

inline float widen(half value) { return static_cast<float>(value); }
inline float widen(bfloat value) {
  const uint32_t bits = static_cast<uint32_t>(value.bits) << 16;
  float wide;
  memcpy(&wide, &bits, sizeof wide);
  return wide;
}
inline void narrow(float value, half& out) { out = static_cast<half>(value); }
inline void narrow(float value, bfloat& out) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  const bool nan = value != value;  // rounding could carry a NaN over into infinity
  out.bits = nan ? 0x7fc0 : static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

#endif

SMIS_INLINE float widen(float value) { return value; }
SMIS_INLINE double widen(double value) { return value; }
SMIS_INLINE void narrow(float value, float& out) { out = value; }
SMIS_INLINE void narrow(double value, double& out) { out = value; }

// The type in which a stored type is computed.
template <class T>
struct Wide {
  using type = float;
};
template <>
struct Wide<double> {
  using type = double;
};
template <class T>
using wide_t = typename Wide<T>::type;

// Neighbours in memory that move in one instruction.
template <class T, int V>
struct alignas(sizeof(T) * V) Pack {
  T at[V];
};

template <class T, int V>
SMIS_INLINE void load(const T* from, wide_t<T> (&to)[V]) {
  const Pack<T, V> pack = *reinterpret_cast<const Pack<T, V>*>(from);
  SMIS_UNROLL
  for (int v = 0; v < V; ++v) to[v] = widen(pack.at[v]);
}

template <class T, int V>
SMIS_INLINE void store(const wide_t<T> (&from)[V], T* to) {
  Pack<T, V> pack;
  SMIS_UNROLL
  for (int v = 0; v < V; ++v) narrow(from[v], pack.at[v]);
  *reinterpret_cast<Pack<T, V>*>(to) = pack;
}

// index / size, leaving the remainder in index. Division of 64 bits is slow and seldom needed.
SMIS_INLINE int64_t split(int64_t& index, int64_t size) {
  if ((index | size) >> 32 == 0) {
    const uint32_t quotient = static_cast<uint32_t>(index) / static_cast<uint32_t>(size);
    index -= quotient * size;
    return quotient;
  }
  const int64_t quotient = index / size;
  index -= quotient * size;
  return quotient;
}

// A NaN stays one, which it would not through fmin and fmax.
template <class A>
SMIS_INLINE A clamped(A value, A limit) {
  if (limit < 0) return value;
  return value < -limit ? -limit : value > limit ? limit : value;
}

// Whether V neighbours along the channels of a picture can move as one.
template <class T, int V>
inline bool packs(const smis_picture& x) {
  const bool aligned = reinterpret_cast<uintptr_t>(x.data) % (sizeof(T) * V) == 0;
  return aligned && x.stride[1] == 1 && x.size[1] % V == 0 && x.stride[0] % V == 0 &&
         x.stride[2] % V == 0 && x.stride[3] % V == 0;
}

SMIS_INLINE int64_t groups(int64_t count, int64_t of) { return (count + of - 1) / of; }

// The pixels of a thread: V channels from c on, COLS columns from x on, ROWS rows from y on.
// Neighbouring threads are neighbours in memory.
template <int V, int COLS, int ROWS>
struct Place {
  int64_t n, c, y, x;

  SMIS_INLINE Place(const smis_picture& out, int64_t thread) {
    const int64_t channels = out.size[1] / V;
    const int64_t columns = groups(out.size[3], COLS), strips = groups(out.size[2], ROWS);
    int64_t inner = thread, middle, outer;
    if (out.stride[1] == 1) {  // n, y, x, c
      middle = split(inner, channels);
      outer = split(middle, columns);
      n = split(outer, strips);
      c = inner * V, x = middle * COLS, y = outer * ROWS;
    } else {  // n, c, y, x
      middle = split(inner, columns);
      outer = split(middle, strips);
      n = split(outer, channels);
      c = outer * V, x = inner * COLS, y = middle * ROWS;
    }
  }

  static int64_t threads(const smis_picture& out) {
    return out.size[0] * (out.size[1] / V) * groups(out.size[2], ROWS) * groups(out.size[3], COLS);
  }

  template <class T>
  SMIS_INLINE T* in(const smis_picture& picture) const {
    return static_cast<T*>(picture.data) + n * picture.stride[0] + c * picture.stride[1];
  }
};

constexpr int ok = 0;
constexpr int invalid_argument = 1;  // cudaErrorInvalidValue

#ifdef __CUDACC__

template <class Kernel, class Args>
__global__ void __launch_bounds__(128) each_thread(const Args args, const int64_t threads) {
  const int64_t index = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (index < threads) Kernel::run(args, index);
}

template <class Kernel, class Args>
int launch(const Args& args, int64_t threads, void* stream) {
  if (threads == 0) return ok;
  const int64_t blocks = groups(threads, 128);
  if (blocks > INT32_MAX) return invalid_argument;
  each_thread<Kernel><<<static_cast<uint32_t>(blocks), 128, 0, static_cast<cudaStream_t>(stream)>>>(
      args, threads);
  return static_cast<int>(cudaGetLastError());
}

#else

template <class Kernel, class Args>
int launch(const Args& args, int64_t threads, void*) {
  for (int64_t index = 0; index < threads; ++index) Kernel::run(args, index);
  return ok;
}

#endif

}  // namespace smis
