// All that follows a modulated convolution, in one pass over the activations: the low-pass filter of
// an upsampling one, demodulation, noise, bias, leaky ReLU, gain, clamp, and the next one's styles.
#include "portable.h"

namespace smis {
namespace {

constexpr int TAPS = 4;

// V operands of neighbouring channels, or what stands in for them.
template <class A, int V>
SMIS_INLINE void operands(const void* from, int64_t at, A missing, A (&to)[V]) {
  SMIS_UNROLL
  for (int v = 0; v < V; ++v) {
    to[v] = from == nullptr ? missing : static_cast<const A*>(from)[at + v];
  }
}

template <class T, int V>
struct Finish {
  using A = wide_t<T>;
  A scale[V], bias[V], next[V], alpha, gain, limit;
  const A* noise;
  int64_t noise_y, noise_x, noise_c;

  template <int COLS, int ROWS>
  SMIS_INLINE Finish(const smis_conv_epilogue& p, const Place<V, COLS, ROWS>& at)
      : alpha(static_cast<A>(p.alpha)),
        gain(static_cast<A>(p.gain)),
        limit(static_cast<A>(p.clamp)),
        noise(nullptr),
        noise_y(p.noise.stride[2]),
        noise_x(p.noise.stride[3]),
        noise_c(p.noise.stride[1]) {
    const int64_t sample = at.n * p.y.size[1] + at.c;
    operands<A, V>(p.scale, sample, A(1), scale);
    operands<A, V>(p.bias, at.c, A(0), bias);
    operands<A, V>(p.next, sample, A(1), next);
    if (p.noise.data != nullptr) noise = at.template in<const A>(p.noise);
  }

  SMIS_INLINE void operator()(A (&value)[V], int64_t y, int64_t x, T* to) const {
    const A* map = noise == nullptr ? nullptr : noise + y * noise_y + x * noise_x;
    A shared = 0;
    if (map != nullptr && noise_c == 0) shared = *map;
    SMIS_UNROLL
    for (int v = 0; v < V; ++v) {
      A added = bias[v] + shared;
      if (map != nullptr && noise_c != 0) added += map[v * noise_c];
      const A sum = (value[v] * scale[v] + added) * gain;
      value[v] = clamped(sum > 0 ? sum : sum * alpha, limit) * next[v];
    }
    store<T, V>(value, to);
  }
};

template <class T, int V>
struct Plain {
  static SMIS_INLINE void run(const smis_conv_epilogue& p, int64_t thread) {
    const Place<V, 1, 1> at(p.y, thread);
    const Finish<T, V> finish(p, at);
    wide_t<T> value[V];
    load<T, V>(at.template in<const T>(p.x) + at.y * p.x.stride[2] + at.x * p.x.stride[3], value);
    finish(value, at.y, at.x, at.template in<T>(p.y) + at.y * p.y.stride[2] + at.x * p.y.stride[3]);
  }
};

// A thread walks down ROWS rows of COLS columns. It filters every row of the input once along x and
// keeps the last TAPS of them, from which a row of the result follows along y.
template <class T, int V, int COLS, int ROWS>
struct Filtered {
  static SMIS_INLINE void run(const smis_conv_epilogue& p, int64_t thread) {
    using A = wide_t<T>;
    const Place<V, COLS, ROWS> at(p.y, thread);
    const Finish<T, V> finish(p, at);
    const T* x = at.template in<const T>(p.x);
    T* y = at.template in<T>(p.y);
    A down[TAPS], across[TAPS];
    operands<A, TAPS>(p.lines, 0, A(0), down);
    operands<A, TAPS>(p.lines, TAPS, A(0), across);
    A kept[TAPS][COLS][V];
    SMIS_UNROLL
    for (int i = 0; i < ROWS + TAPS - 1; ++i) {
      A(&row)[COLS][V] = kept[i % TAPS];
      filter_row(p, x, at.y - p.pad_y + i, at.x - p.pad_x, across, row);
      const int64_t out_y = at.y + i - (TAPS - 1);
      if (i < TAPS - 1 || out_y >= p.y.size[2]) continue;
      SMIS_UNROLL
      for (int column = 0; column < COLS; ++column) {
        if (at.x + column >= p.y.size[3]) break;
        A value[V];
        SMIS_UNROLL
        for (int v = 0; v < V; ++v) {
          value[v] = 0;
          SMIS_UNROLL
          for (int tap = 0; tap < TAPS; ++tap) {
            value[v] += down[tap] * kept[(i + 1 + tap) % TAPS][column][v];
          }
        }
        T* to = y + out_y * p.y.stride[2] + (at.x + column) * p.y.stride[3];
        finish(value, out_y, at.x + column, to);
      }
    }
  }

  static SMIS_INLINE void filter_row(
      const smis_conv_epilogue& p, const T* x, int64_t in_y, int64_t left,
      const wide_t<T> (&across)[TAPS], wide_t<T> (&row)[COLS][V]) {
    using A = wide_t<T>;
    SMIS_UNROLL
    for (int column = 0; column < COLS; ++column) {
      SMIS_UNROLL
      for (int v = 0; v < V; ++v) row[column][v] = 0;
    }
    if (in_y < 0 || in_y >= p.x.size[2]) return;
    SMIS_UNROLL
    for (int j = 0; j < COLS + TAPS - 1; ++j) {
      const int64_t in_x = left + j;
      if (in_x < 0 || in_x >= p.x.size[3]) continue;
      A value[V];
      load<T, V>(x + in_y * p.x.stride[2] + in_x * p.x.stride[3], value);
      SMIS_UNROLL
      for (int column = 0; column < COLS; ++column) {
        if (j - column < 0 || j - column >= TAPS) continue;
        SMIS_UNROLL
        for (int v = 0; v < V; ++v) row[column][v] += across[j - column] * value[v];
      }
    }
  }
};

template <class T>
int run(const smis_conv_epilogue& p, void* stream) {
  if (p.lines != nullptr) {
    // Fewer channels a thread leave registers for two columns, which share what they read.
    constexpr int V = sizeof(T) == 8 ? 2 : 4;
    if (packs<T, V>(p.x) && packs<T, V>(p.y)) {
      return launch<Filtered<T, V, 2, 8>>(p, Place<V, 2, 8>::threads(p.y), stream);
    }
    return launch<Filtered<T, 1, 1, 8>>(p, Place<1, 1, 8>::threads(p.y), stream);
  }
  constexpr int V = 16 / sizeof(T);
  if (packs<T, V>(p.x) && packs<T, V>(p.y)) {
    return launch<Plain<T, V>>(p, Place<V, 1, 1>::threads(p.y), stream);
  }
  return launch<Plain<T, 1>>(p, Place<1, 1, 1>::threads(p.y), stream);
}

}  // namespace
}  // namespace smis

extern "C" int smis_conv_epilogue_launch(
    const smis_conv_epilogue* args, int dtype, void* stream) {
  switch (dtype) {
    case SMIS_FLOAT32: return smis::run<float>(*args, stream);
    case SMIS_FLOAT64: return smis::run<double>(*args, stream);
    case SMIS_FLOAT16: return smis::run<smis::half>(*args, stream);
    case SMIS_BFLOAT16: return smis::run<smis::bfloat>(*args, stream);
    default: return smis::invalid_argument;
  }
}
