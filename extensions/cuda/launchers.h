// What the kernels offer: plain C, so that nvcc alone compiles them and anything can call them.
//
// Every launcher returns 0 or the runtime's error code (invalid argument where it has no kernel for
// the type). Small operands (filters, biases, scales, noise) are in the type of the arithmetic:
// double for float64, float for all else. Strides and sizes count elements.
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum smis_dtype { SMIS_FLOAT32 = 0, SMIS_FLOAT64 = 1, SMIS_FLOAT16 = 2, SMIS_BFLOAT16 = 3 };

enum smis_activation {
  SMIS_LINEAR = 0,
  SMIS_RELU = 1,
  SMIS_LRELU = 2,
  SMIS_TANH = 3,
  SMIS_SIGMOID = 4,
  SMIS_ELU = 5,
  SMIS_SELU = 6,
  SMIS_SOFTPLUS = 7,
  SMIS_SWISH = 8
};

// An [N, C, H, W] tensor of any layout.
struct smis_picture {
  void* data;
  int64_t size[4];
  int64_t stride[4];
};

// y = filter(pad(insert zeros(x))), every down-th pixel. y has its final size.
struct smis_upfirdn2d {
  struct smis_picture x;
  struct smis_picture y;
  const void* taps;  // [taps_y, taps_x], as a correlation uses them
  int32_t taps_x, taps_y, up_x, up_y, down_x, down_y;
  int32_t pad_x, pad_y;  // before the first pixel; the size of y knows the padding behind
};

// y = g · d^order/dx^order clamp(gain · act(x + bias)); order 0 takes no g.
struct smis_bias_act {
  const void* x;
  const void* bias;  // [channels], or null
  const void* g;     // null for order 0
  void* y;
  int64_t count;     // elements of x, g and y, which share a dense layout
  int64_t channels;
  int64_t step;      // between neighbouring channels, in elements
  int32_t act, order;
  double alpha, gain, clamp;  // a negative clamp leaves the result free
};

// y = next · clamp(lrelu(gain · (scale · fir(x) + bias + noise))).
struct smis_conv_epilogue {
  struct smis_picture x;
  struct smis_picture y;
  struct smis_picture noise;  // expanded to the shape of y (strides of 0); null data for none
  const void* lines;          // [2, 4]: the filter along y, then along x; null: no filter
  const void* scale;          // [N, C], or null
  const void* bias;           // [C], or null
  const void* next;           // [N, C], or null
  int32_t pad_x, pad_y;       // before the first pixel
  double alpha, gain, clamp;  // alpha 1: linear; a negative clamp leaves the result free
};

int smis_upfirdn2d_launch(const struct smis_upfirdn2d* args, int dtype, void* stream);
int smis_bias_act_launch(const struct smis_bias_act* args, int dtype, void* stream);
int smis_conv_epilogue_launch(const struct smis_conv_epilogue* args, int dtype, void* stream);

#ifdef __cplusplus
}
#endif
