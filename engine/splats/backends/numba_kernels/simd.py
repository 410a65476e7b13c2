# SPDX-License-Identifier: GPL-3.0-or-later
"""Eight float32 at a time inside numba kernels: a vector type, its operators and a few functions.

LLVM turns `<8 x float>` into what the processor has (one AVX register, two of NEON's), so nothing here is bound to one.
No kernel that uses it may be compiled with fastmath, which would rewrite `exp2_8`'s rounding.
"""

import operator

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.datamodel import models, register_default
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin

from .compiled import compiled

LANES = 8
F32, I32 = ir.FloatType(), ir.IntType(32)
VECTOR, INTEGERS, BITS = (ir.VectorType(t, LANES) for t in (F32, I32, ir.IntType(1)))


class Float8(types.Type):
    def __init__(self) -> None:
        super().__init__("Float8")


class Mask8(types.Type):
    def __init__(self) -> None:
        super().__init__("Mask8")


float8, mask8 = Float8(), Mask8()


@register_default(Float8)
class _Float8Model(models.PrimitiveModel):
    def __init__(self, dmm, fe_type) -> None:
        super().__init__(dmm, fe_type, VECTOR)


@register_default(Mask8)
class _Mask8Model(models.PrimitiveModel):
    def __init__(self, dmm, fe_type) -> None:
        super().__init__(dmm, fe_type, BITS)


def _define_operator(function, operand, result, emit) -> None:
    @infer_global(function)
    class Typing(AbstractTemplate):
        def generic(self, args, kws):
            return signature(result, operand, operand) if args == (operand, operand) else None

    @lower_builtin(function, operand, operand)
    def lower(context, builder, sig, args):
        return emit(builder, *args)


_define_operator(operator.add, float8, float8, lambda b, x, y: b.fadd(x, y))
_define_operator(operator.sub, float8, float8, lambda b, x, y: b.fsub(x, y))
_define_operator(operator.mul, float8, float8, lambda b, x, y: b.fmul(x, y))
_define_operator(operator.truediv, float8, float8, lambda b, x, y: b.fdiv(x, y))
_define_operator(operator.ge, float8, mask8, lambda b, x, y: b.fcmp_ordered(">=", x, y))
_define_operator(operator.gt, float8, mask8, lambda b, x, y: b.fcmp_ordered(">", x, y))
_define_operator(operator.and_, mask8, mask8, lambda b, x, y: b.and_(x, y))


def _splat(builder, scalar):
    first = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), scalar, I32(0))
    return builder.shuffle_vector(first, ir.Constant(VECTOR, ir.Undefined), ir.Constant(INTEGERS, [0] * LANES))


def _address(context, builder, array_type, array, index):
    data = context.make_array(array_type)(context, builder, value=array).data
    return builder.bitcast(builder.gep(data, [index], inbounds=True), VECTOR.as_pointer())


def _fused(builder, x, y, z):
    name = "llvm.fmuladd.v8f32"  # one instruction where there is one, else two; never a call
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(VECTOR, [VECTOR] * 3), name)
    return builder.call(function, [x, y, z])


@intrinsic
def splat8(typingctx, scalar):
    """Eight times one float32."""
    return float8(types.float32), lambda context, builder, sig, args: _splat(builder, args[0])


@intrinsic
def lanes8(typingctx):
    """0, 1, ... 7."""
    numbers = ir.Constant(VECTOR, [float(i) for i in range(LANES)])
    return float8(), lambda context, builder, sig, args: numbers


@intrinsic
def load8(typingctx, array, index):
    """array[index : index + 8] of a contiguous 1-D float32 array, unchecked."""

    def emit(context, builder, sig, args):
        load = builder.load(_address(context, builder, sig.args[0], args[0], args[1]))
        load.align = 4
        return load

    return float8(array, types.intp), emit


@intrinsic
def store8(typingctx, array, index, vector):
    """array[index : index + 8] = vector, unchecked."""

    def emit(context, builder, sig, args):
        builder.store(args[2], _address(context, builder, sig.args[0], args[0], args[1]), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, float8), emit


@intrinsic
def fma8(typingctx, x, y, z):
    """x * y + z."""
    return float8(float8, float8, float8), lambda context, builder, sig, args: _fused(builder, *args)


@intrinsic
def min8(typingctx, x, y):
    """The smaller of each pair."""

    def emit(context, builder, sig, args):
        return builder.select(builder.fcmp_ordered("<", *args), *args)

    return float8(float8, float8), emit


@intrinsic
def select8(typingctx, mask, x, y):
    """x where the mask is set, else y."""
    return float8(mask8, float8, float8), lambda context, builder, sig, args: builder.select(*args)


@intrinsic
def bits8(typingctx, mask):
    """A mask as the lowest eight bits of a number."""

    def emit(context, builder, sig, args):
        return builder.zext(builder.bitcast(args[0], ir.IntType(LANES)), I32)

    return types.uint32(mask8), emit


@intrinsic
def signs8(typingctx, x):
    """The sign bits of eight numbers as the lowest eight bits of one."""

    def emit(context, builder, sig, args):
        negative = builder.icmp_signed("<", builder.bitcast(args[0], INTEGERS), ir.Constant(INTEGERS, [0] * LANES))
        return builder.zext(builder.bitcast(negative, ir.IntType(LANES)), I32)

    return types.uint32(float8), emit


@intrinsic
def max8(typingctx, x, y):
    """The larger of each pair."""

    def emit(context, builder, sig, args):
        return builder.select(builder.fcmp_ordered(">", *args), *args)

    return float8(float8, float8), emit


def _unary(builder, name, x):
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(VECTOR, [VECTOR]), f"llvm.{name}.v8f32")
    return builder.call(function, [x])


@intrinsic
def sqrt8(typingctx, x):
    return float8(float8), lambda context, builder, sig, args: _unary(builder, "sqrt", args[0])


@intrinsic
def abs8(typingctx, x):
    return float8(float8), lambda context, builder, sig, args: _unary(builder, "fabs", args[0])


@intrinsic
def floor8(typingctx, x):
    return float8(float8), lambda context, builder, sig, args: _unary(builder, "floor", args[0])


ROUND = 12582912.0  # 1.5 * 2^23: adding it rounds a float32 to a whole number in its lowest bits
# 2^f on [-1/2, 1/2]: the polynomial with constant term 1 whose largest relative error, 9e-8, is least.
EXP2 = (0.00132646, 0.00967151, 0.05550734, 0.24022242, 0.69314698, 1.0)
EXP2_TABLE = np.repeat(np.array([ROUND, *EXP2], np.float32), LANES)


@intrinsic
def _add_exponent(typingctx, x, shifted):
    """x * 2^n, n in the lowest bits of `shifted`."""

    def emit(context, builder, sig, args):
        exponent = builder.shl(builder.bitcast(args[1], INTEGERS), ir.Constant(INTEGERS, [23] * LANES))
        return builder.bitcast(builder.add(builder.bitcast(args[0], INTEGERS), exponent), VECTOR)

    return float8(float8, float8), emit


@compiled
def exp2_8(x, table):
    """2^x to 3e-7 for x in [-126, 127]; outside, some number or none: select it away.

    `table` is a copy of EXP2_TABLE: read from memory where they are needed, the constants leave the registers free.
    """
    shifted = x + load8(table, 0)
    f = x - (shifted - load8(table, 0))
    power = fma8(fma8(load8(table, 8), f, load8(table, 16)), f, load8(table, 24))
    power = fma8(fma8(fma8(power, f, load8(table, 32)), f, load8(table, 40)), f, load8(table, 48))
    return _add_exponent(power, shifted)


@intrinsic
def sums8(typingctx, a, b, c, d, e, f, g, h):
    """The sums of eight vectors' lanes, as one vector; always added in the same order."""

    def emit(context, builder, sig, args):
        def shuffle(x, y, lanes):
            return builder.shuffle_vector(x, y, ir.Constant(INTEGERS, lanes))

        def halve(pairs, first, second):
            return [builder.fadd(shuffle(x, y, first), shuffle(x, y, second)) for x, y in pairs]

        # Each round adds the halves of two vectors into one: 8 -> 4 -> 2 -> 1.
        v = halve(zip(args[0::2], args[1::2]), [0, 8, 2, 10, 4, 12, 6, 14], [1, 9, 3, 11, 5, 13, 7, 15])
        v = halve(zip(v[0::2], v[1::2]), [0, 1, 8, 9, 4, 5, 12, 13], [2, 3, 10, 11, 6, 7, 14, 15])
        return halve([(v[0], v[1])], [0, 1, 2, 3, 8, 9, 10, 11], [4, 5, 6, 7, 12, 13, 14, 15])[0]

    return float8(*[float8] * 8), emit


@intrinsic
def lowest_bit(typingctx, bits):
    """The number of the lowest set bit of a uint32 that is not 0."""

    def emit(context, builder, sig, args):
        return builder.zext(builder.cttz(args[0], ir.IntType(1)(1)), ir.IntType(64))

    return types.intp(types.uint32), emit


@intrinsic
def prefetch(typingctx, array, index):
    """Have the cache line of array[index] brought near; any index will do."""

    def emit(context, builder, sig, args):
        data = context.make_array(sig.args[0])(context, builder, value=args[0]).data
        address = builder.bitcast(builder.gep(data, [args[1]]), cgutils.voidptr_t)
        kinds = [cgutils.voidptr_t, I32, I32, I32]
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), kinds), "llvm.prefetch.p0"
        )
        builder.call(function, [address, I32(0), I32(3), I32(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp), emit
