// Bias, activation, gain and clamp in one pass, with first and second derivatives.
#include "portable.h"

namespace smis {
namespace {

// act(x), act'(x) or act''(x). The kinks belong to the negative side, as in torch.
template <class A>
SMIS_INLINE A activation(int act, int order, A x, A alpha) {
  const A one = 1, two = 2;
  const A selu_scale = static_cast<A>(1.0507009873554805);
  const A selu_alpha = static_cast<A>(1.6732632423543772);
  switch (act) {
    case SMIS_LINEAR:
      return order == 0 ? x : order == 1 ? one : A(0);
    case SMIS_RELU:
      return order == 0 ? (x < 0 ? A(0) : x) : order == 1 && x > 0 ? one : A(0);
    case SMIS_LRELU:
      if (x > 0) return order == 0 ? x : order == 1 ? one : A(0);
      return order == 0 ? x * alpha : order == 1 ? alpha : A(0);
    case SMIS_TANH: {
      const A t = tanh(x);
      return order == 0 ? t : order == 1 ? one - t * t : -two * t * (one - t * t);
    }
    case SMIS_SIGMOID: {
      const A s = one / (one + exp(-x));
      return order == 0 ? s : order == 1 ? s * (one - s) : s * (one - s) * (one - two * s);
    }
    case SMIS_ELU:
      if (x > 0) return order == 0 ? x : order == 1 ? one : A(0);
      return order == 0 ? expm1(x) : exp(x);
    case SMIS_SELU:
      if (x > 0) return order == 0 ? selu_scale * x : order == 1 ? selu_scale : A(0);
      return selu_scale * selu_alpha * (order == 0 ? expm1(x) : exp(x));
    case SMIS_SOFTPLUS: {
      if (x > 20) return order == 0 ? x : order == 1 ? one : A(0);
      const A s = one / (one + exp(-x));
      return order == 0 ? log1p(exp(x)) : order == 1 ? s : s * (one - s);
    }
    default: {  // SMIS_SWISH
      const A s = one / (one + exp(-x));
      if (order == 0) return x * s;
      if (order == 1) return s * (one + x * (one - s));
      return s * (one - s) * (two + x * (one - two * s));
    }
  }
}

template <class T, int V>
struct BiasAct {
  static SMIS_INLINE void run(const smis_bias_act& p, int64_t thread) {
    using A = wide_t<T>;
    const int64_t begin = thread * V;
    A x[V], g[V] = {};
    load<T, V>(static_cast<const T*>(p.x) + begin, x);
    if (p.order > 0) load<T, V>(static_cast<const T*>(p.g) + begin, g);
    if (p.bias != nullptr) {
      // V elements lie in one channel, or are V channels (the launcher saw to it).
      int64_t outer = begin, channel = split(outer, p.step);
      split(channel, p.channels);
      SMIS_UNROLL
      for (int v = 0; v < V; ++v) {
        x[v] += static_cast<const A*>(p.bias)[channel + (p.step == 1 ? v : 0)];
      }
    }
    const A alpha = static_cast<A>(p.alpha), gain = static_cast<A>(p.gain);
    const A limit = static_cast<A>(p.clamp);
    SMIS_UNROLL
    for (int v = 0; v < V; ++v) {
      const A value = activation<A>(p.act, 0, x[v], alpha) * gain;
      if (p.order == 0) {
        x[v] = clamped(value, limit);
      } else {
        const bool flat = limit >= 0 && (value < -limit || value > limit);
        x[v] = flat ? A(0) : g[v] * gain * activation<A>(p.act, p.order, x[v], alpha);
      }
    }
    store<T, V>(x, static_cast<T*>(p.y) + begin);
  }
};

template <class T>
bool vectorises(const smis_bias_act& p, int V) {
  // One test of the bits of all addresses.
  const uintptr_t addresses = reinterpret_cast<uintptr_t>(p.x) | reinterpret_cast<uintptr_t>(p.g) |
                              reinterpret_cast<uintptr_t>(p.y);
  const bool together = p.step == 1 ? p.channels % V == 0 : p.step % V == 0;
  return addresses % (sizeof(T) * V) == 0 && p.count % V == 0 && (p.bias == nullptr || together);
}

template <class T>
int run(const smis_bias_act& p, void* stream) {
  constexpr int V = 16 / sizeof(T);
  if (vectorises<T>(p, V)) return launch<BiasAct<T, V>>(p, p.count / V, stream);
  return launch<BiasAct<T, 1>>(p, p.count, stream);
}

}  // namespace
}  // namespace smis

extern "C" int smis_bias_act_launch(const smis_bias_act* args, int dtype, void* stream) {
  if (args->act < SMIS_LINEAR || args->act > SMIS_SWISH || args->order < 0 || args->order > 2) {
    return smis::invalid_argument;
  }
  switch (dtype) {
    case SMIS_FLOAT32: return smis::run<float>(*args, stream);
    case SMIS_FLOAT64: return smis::run<double>(*args, stream);
    case SMIS_FLOAT16: return smis::run<smis::half>(*args, stream);
    case SMIS_BFLOAT16: return smis::run<smis::bfloat>(*args, stream);
    default: return smis::invalid_argument;
  }
}
