// Zero insertion, padding, filter and decimation in one pass.
#include "portable.h"

namespace smis {
namespace {

// One pixel (of V channels) from the taps that meet no inserted zero. The template's numbers are
// those of p where they are not 0: with them the loops unroll and the divisions vanish.
template <class T, int V, int UP, int DOWN, int TAPS>
struct AnyFilter {
  static SMIS_INLINE void run(const smis_upfirdn2d& p, int64_t thread) {
    using A = wide_t<T>;
    const int up_x = UP ? UP : p.up_x, up_y = UP ? UP : p.up_y;
    const int taps_x = TAPS ? TAPS : p.taps_x, taps_y = TAPS ? TAPS : p.taps_y;
    const Place<V, 1, 1> at(p.y, thread);
    const T* x = at.template in<const T>(p.x);
    const A* taps = static_cast<const A*>(p.taps);
    const int64_t left = at.x * (DOWN ? DOWN : p.down_x) - p.pad_x;
    const int64_t top = at.y * (DOWN ? DOWN : p.down_y) - p.pad_y;
    const int first_x = first_tap(left, up_x), first_y = first_tap(top, up_y);
    const int meet_x = (taps_x + up_x - 1) / up_x, meet_y = (taps_y + up_y - 1) / up_y;
    A sum[V] = {};
    SMIS_UNROLL
    for (int i = 0; i < meet_y; ++i) {
      const int tap_y = first_y + i * up_y;
      const int64_t in_y = floor_divide(top + tap_y, up_y);
      if (tap_y >= taps_y || in_y < 0 || in_y >= p.x.size[2]) continue;
      SMIS_UNROLL
      for (int j = 0; j < meet_x; ++j) {
        const int tap_x = first_x + j * up_x;
        const int64_t in_x = floor_divide(left + tap_x, up_x);
        if (tap_x >= taps_x || in_x < 0 || in_x >= p.x.size[3]) continue;
        A value[V];
        load<T, V>(x + in_y * p.x.stride[2] + in_x * p.x.stride[3], value);
        const A tap = taps[tap_y * taps_x + tap_x];
        SMIS_UNROLL
        for (int v = 0; v < V; ++v) sum[v] += tap * value[v];
      }
    }
    T* y = at.template in<T>(p.y);
    store<T, V>(sum, y + at.y * p.y.stride[2] + at.x * p.y.stride[3]);
  }

  // The first tap that meets a pixel and not an inserted zero.
  static SMIS_INLINE int first_tap(int64_t position, int up) {
    const int rest = static_cast<int>(position % up);  // between -up and up
    return rest > 0 ? up - rest : -rest;
  }

  static SMIS_INLINE int64_t floor_divide(int64_t value, int by) {
    return value >= 0 ? value / by : -1;  // all that is negative lies outside
  }
};

// A filter of 4 × 4 at every pixel: a thread walks down ROWS rows and reads each input once.
template <class T, int V>
struct Blur {
  static constexpr int ROWS = 4, TAPS = 4;

  static SMIS_INLINE void run(const smis_upfirdn2d& p, int64_t thread) {
    using A = wide_t<T>;
    const Place<V, 1, ROWS> at(p.y, thread);
    const T* x = at.template in<const T>(p.x);
    const A* taps = static_cast<const A*>(p.taps);
    A sum[ROWS][V] = {};
    SMIS_UNROLL
    for (int i = 0; i < ROWS + TAPS - 1; ++i) {
      const int64_t in_y = at.y - p.pad_y + i;
      if (in_y < 0 || in_y >= p.x.size[2]) continue;
      SMIS_UNROLL
      for (int j = 0; j < TAPS; ++j) {
        const int64_t in_x = at.x - p.pad_x + j;
        if (in_x < 0 || in_x >= p.x.size[3]) continue;
        A value[V];
        load<T, V>(x + in_y * p.x.stride[2] + in_x * p.x.stride[3], value);
        SMIS_UNROLL
        for (int row = 0; row < ROWS; ++row) {
          if (i - row < 0 || i - row >= TAPS) continue;
          const A tap = taps[(i - row) * TAPS + j];
          SMIS_UNROLL
          for (int v = 0; v < V; ++v) sum[row][v] += tap * value[v];
        }
      }
    }
    T* y = at.template in<T>(p.y);
    SMIS_UNROLL
    for (int row = 0; row < ROWS; ++row) {
      if (at.y + row >= p.y.size[2]) break;
      store<T, V>(sum[row], y + (at.y + row) * p.y.stride[2] + at.x * p.y.stride[3]);
    }
  }
};

template <class T, int V>
int run_packed(const smis_upfirdn2d& p, void* stream) {
  const int64_t threads = Place<V, 1, 1>::threads(p.y);
  const bool four = p.taps_x == 4 && p.taps_y == 4 && p.up_x == p.up_y && p.down_x == p.down_y;
  if (four && p.up_x == 1 && p.down_x == 1) {
    return launch<Blur<T, V>>(p, Place<V, 1, Blur<T, V>::ROWS>::threads(p.y), stream);
  }
  if (four && p.up_x == 2 && p.down_x == 1) {
    return launch<AnyFilter<T, V, 2, 1, 4>>(p, threads, stream);
  }
  if (four && p.up_x == 1 && p.down_x == 2) {
    return launch<AnyFilter<T, V, 1, 2, 4>>(p, threads, stream);
  }
  return launch<AnyFilter<T, V, 0, 0, 0>>(p, threads, stream);
}

template <class T>
int run(const smis_upfirdn2d& p, void* stream) {
  constexpr int V = 16 / sizeof(T);
  if (packs<T, V>(p.x) && packs<T, V>(p.y)) return run_packed<T, V>(p, stream);
  return run_packed<T, 1>(p, stream);
}

}  // namespace
}  // namespace smis

extern "C" int smis_upfirdn2d_launch(const smis_upfirdn2d* args, int dtype, void* stream) {
  switch (dtype) {
    case SMIS_FLOAT32: return smis::run<float>(*args, stream);
    case SMIS_FLOAT64: return smis::run<double>(*args, stream);
    case SMIS_FLOAT16: return smis::run<smis::half>(*args, stream);
    case SMIS_BFLOAT16: return smis::run<smis::bfloat>(*args, stream);
    default: return smis::invalid_argument;
  }
}
