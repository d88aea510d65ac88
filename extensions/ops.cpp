// The kernels of cuda/ as torch operations: schemas, checks of what memory depends on, launches.
//
// Friendly errors, shapes of results without data, and gradients are in Python
// (smis_core/ops/_cuda_ops.py). Compiled with SMIS_ON_HOST the operations take CPU tensors, so that
// all of this is tested without a GPU.
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <c10/core/DeviceGuard.h>
#include <torch/library.h>

#ifndef SMIS_ON_HOST
#include <c10/cuda/CUDAStream.h>
#endif

#include "cuda/launchers.h"

namespace {

using at::Tensor;
using OptionalTensor = std::optional<Tensor>;

#ifdef SMIS_ON_HOST
#define SMIS_DEVICE CPU
void* stream_of(const Tensor&) { return nullptr; }
#else
#define SMIS_DEVICE CUDA
void* stream_of(const Tensor& x) { return c10::cuda::getCurrentCUDAStream(x.get_device()).stream(); }
#endif

int dtype_of(const Tensor& x) {
  switch (x.scalar_type()) {
    case at::kFloat: return SMIS_FLOAT32;
    case at::kDouble: return SMIS_FLOAT64;
    case at::kHalf: return SMIS_FLOAT16;
    case at::kBFloat16: return SMIS_BFLOAT16;
    default: TORCH_CHECK(false, "x must be a floating-point tensor, but is ", x.scalar_type());
  }
}

at::ScalarType arithmetic(const Tensor& x) {
  return x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
}

void check_launch(int code, const char* name) {
  TORCH_CHECK(code == 0, name, " could not be launched: CUDA error ", code);
}

// A small operand: dense, beside x, in the type of its arithmetic, of a known number of elements.
const void* operand(const OptionalTensor& given, const Tensor& x, int64_t count, const char* name) {
  if (!given.has_value() || !given->defined()) return nullptr;
  TORCH_CHECK(
      given->device() == x.device() && given->scalar_type() == arithmetic(x) &&
          given->is_contiguous() && given->numel() == count,
      name, " must be a contiguous ", arithmetic(x), " tensor of ", count, " elements on ",
      x.device(), ", but is ", given->sizes(), " ", given->scalar_type(), " on ", given->device());
  return given->const_data_ptr();
}

smis_picture picture(const Tensor& x) {
  smis_picture result{const_cast<void*>(x.const_data_ptr()), {}, {}};
  for (int i = 0; i < 4; ++i) {
    result.size[i] = x.size(i);
    result.stride[i] = x.stride(i);
  }
  return result;
}

Tensor empty_picture(const Tensor& x, int64_t height, int64_t width) {
  const bool last = x.is_contiguous(at::MemoryFormat::ChannelsLast) && !x.is_contiguous();
  const auto layout = last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  return at::empty({x.size(0), x.size(1), height, width}, x.options().memory_format(layout));
}

Tensor upfirdn2d(const Tensor& x, const Tensor& taps, at::IntArrayRef up, at::IntArrayRef down,
                 at::IntArrayRef padding) {
  TORCH_CHECK(x.dim() == 4 && taps.dim() == 2, "x must be [N, C, H, W] and taps [taps_y, taps_x]");
  TORCH_CHECK(up.size() == 2 && down.size() == 2 && padding.size() == 4, "sizes of arguments");
  TORCH_CHECK(up[0] > 0 && up[1] > 0 && down[0] > 0 && down[1] > 0, "factors must be positive");
  const int64_t room_x = x.size(3) * up[0] + padding[0] + padding[1] - taps.size(1);
  const int64_t room_y = x.size(2) * up[1] + padding[2] + padding[3] - taps.size(0);
  TORCH_CHECK(room_x >= 0 && room_y >= 0 && taps.numel() > 0,
              "taps ", taps.sizes(), " are longer than the padded x of ", x.sizes());
  const c10::DeviceGuard guard(x.device());
  Tensor y = empty_picture(x, room_y / down[1] + 1, room_x / down[0] + 1);
  smis_upfirdn2d args{};
  args.x = picture(x);
  args.y = picture(y);
  args.taps = operand(taps, x, taps.numel(), "taps");
  args.taps_x = static_cast<int32_t>(taps.size(1));
  args.taps_y = static_cast<int32_t>(taps.size(0));
  args.up_x = static_cast<int32_t>(up[0]);
  args.up_y = static_cast<int32_t>(up[1]);
  args.down_x = static_cast<int32_t>(down[0]);
  args.down_y = static_cast<int32_t>(down[1]);
  args.pad_x = static_cast<int32_t>(padding[0]);
  args.pad_y = static_cast<int32_t>(padding[2]);
  check_launch(smis_upfirdn2d_launch(&args, dtype_of(x), stream_of(x)), "upfirdn2d");
  return y;
}

Tensor bias_act_of_order(int64_t order, const OptionalTensor& g, const Tensor& given,
                         const OptionalTensor& bias, int64_t act, double alpha, double gain,
                         double clamp) {
  TORCH_CHECK(given.dim() >= 2, "x must be [N, C, ...], but is ", given.sizes());
  const c10::DeviceGuard guard(given.device());
  Tensor y = at::empty_like(given);  // dense, whatever given is
  const Tensor x = given.strides() == y.strides() ? given : at::empty_like(given).copy_(given);
  Tensor slopes;
  smis_bias_act args{};
  if (order > 0) {
    TORCH_CHECK(g->sizes() == x.sizes() && g->scalar_type() == x.scalar_type() &&
                    g->device() == x.device(), "g must be like x");
    slopes = g->strides() == x.strides() ? *g : at::empty_like(x).copy_(*g);
    args.g = slopes.const_data_ptr();
  }
  args.x = x.const_data_ptr();
  args.y = y.mutable_data_ptr();
  args.bias = operand(bias, x, x.size(1), "b");
  args.count = x.numel();
  args.channels = x.size(1);
  args.step = x.size(1) == 1 ? x.numel() : x.stride(1);  // the stride of one channel says nothing
  args.act = static_cast<int32_t>(act);
  args.order = static_cast<int32_t>(order);
  args.alpha = alpha;
  args.gain = gain;
  args.clamp = clamp;
  check_launch(smis_bias_act_launch(&args, dtype_of(x), stream_of(x)), "bias_act");
  return y;
}

Tensor bias_act(const Tensor& x, const OptionalTensor& b, int64_t act, double alpha, double gain,
                double clamp) {
  return bias_act_of_order(0, std::nullopt, x, b, act, alpha, gain, clamp);
}

Tensor bias_act_grad(const Tensor& g, const Tensor& x, const OptionalTensor& b, int64_t act,
                     double alpha, double gain, double clamp, int64_t order) {
  TORCH_CHECK(order == 1 || order == 2, "order must be 1 or 2, but is ", order);
  return bias_act_of_order(order, g, x, b, act, alpha, gain, clamp);
}

Tensor conv_epilogue(const Tensor& x, const OptionalTensor& lines, const OptionalTensor& scale,
                     const OptionalTensor& bias, const OptionalTensor& noise,
                     const OptionalTensor& next, at::IntArrayRef padding, double alpha, double gain,
                     double clamp) {
  TORCH_CHECK(x.dim() == 4 && padding.size() == 4, "x must be [N, C, H, W], padding four numbers");
  const int64_t lost = lines.has_value() ? 3 : 0;
  const int64_t height = x.size(2) + padding[2] + padding[3] - lost;
  const int64_t width = x.size(3) + padding[0] + padding[1] - lost;
  TORCH_CHECK(lines.has_value() || (height == x.size(2) && width == x.size(3)),
              "only a filter goes with padding");
  TORCH_CHECK(height > 0 && width > 0, "the filter is longer than the padded x of ", x.sizes());
  const c10::DeviceGuard guard(x.device());
  Tensor y = empty_picture(x, height, width);
  smis_conv_epilogue args{};
  args.x = picture(x);
  args.y = picture(y);
  if (noise.has_value()) {
    TORCH_CHECK(noise->device() == x.device() && noise->scalar_type() == arithmetic(x),
                "noise must be ", arithmetic(x), " on ", x.device());
    args.noise = picture(noise->expand(y.sizes()));
  }
  args.lines = operand(lines, x, 8, "lines");
  args.scale = operand(scale, x, x.size(0) * x.size(1), "scale");
  args.bias = operand(bias, x, x.size(1), "bias");
  args.next = operand(next, x, x.size(0) * x.size(1), "next");
  args.pad_x = static_cast<int32_t>(padding[0]);
  args.pad_y = static_cast<int32_t>(padding[2]);
  args.alpha = alpha;
  args.gain = gain;
  args.clamp = clamp;
  check_launch(smis_conv_epilogue_launch(&args, dtype_of(x), stream_of(x)), "conv_epilogue");
  return y;
}

}  // namespace

TORCH_LIBRARY(smis, m) {
  // Pairs are (x, y), padding is (x0, x1, y0, y1); a negative clamp leaves the result free.
  m.def("upfirdn2d(Tensor x, Tensor taps, int[] up, int[] down, SymInt[] padding) -> Tensor");
  m.def("bias_act(Tensor x, Tensor? b, int act, float alpha, float gain, float clamp) -> Tensor");
  m.def("bias_act_grad(Tensor g, Tensor x, Tensor? b, int act, float alpha, float gain, "
        "float clamp, int order) -> Tensor");
  m.def("conv_epilogue(Tensor x, Tensor? lines, Tensor? scale, Tensor? bias, Tensor? noise, "
        "Tensor? next, SymInt[] padding, float alpha, float gain, float clamp) -> Tensor");
}

TORCH_LIBRARY_IMPL(smis, SMIS_DEVICE, m) {
  m.impl("upfirdn2d", &upfirdn2d);
  m.impl("bias_act", &bias_act);
  m.impl("bias_act_grad", &bias_act_grad);
  m.impl("conv_epilogue", &conv_epilogue);
}
