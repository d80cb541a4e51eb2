// SPDX-License-Identifier: LGPL-2.1-or-later
// The array program of the encoder, 16 cores; written by generate.py, do not edit. So far the core
// program knows GEMM s16 x s8 with its epilogues; attention and LayerNorm come into the same loop.
// Contracts, layouts and the parameter object: kernels/aie2/aie2.h. Text: mlir-aie 5ff2ab97d.
//
//   column c:  shim (c,0) MM2S 0 -- @a_l2_c --> mem (c,1) -- @a_l1_c --> the four cores of row c + 2
//                         MM2S 1 -- @b_l2_c --> mem (c,1) -- @b_l1_c --> the four cores of column c
//                         S2MM 0 <- @c_l2_c --- mem (c,1) <- @c_l1_c_r -- each core of column c
//
// Core (c, r) makes 64 positions of row stream r by 64 channels of column stream c. A job on the
// streams, counts from its parameter object:
//   @b  1 parameter object, then count[0] objects B8
//   @a  2 count[0] objects A16, then count[2] operands: 4 for each of the four columns
//   @c  count[1] objects, or 4 where there are operands; a column's four make one in the mem tile
module {
  aie.device(npu1) {
    %shim0 = aie.tile(0, 0)
    %shim1 = aie.tile(1, 0)
    %shim2 = aie.tile(2, 0)
    %shim3 = aie.tile(3, 0)
    %mem0 = aie.tile(0, 1)
    %mem1 = aie.tile(1, 1)
    %mem2 = aie.tile(2, 1)
    %mem3 = aie.tile(3, 1)
    %t0_2 = aie.tile(0, 2)
    %t0_3 = aie.tile(0, 3)
    %t0_4 = aie.tile(0, 4)
    %t0_5 = aie.tile(0, 5)
    %t1_2 = aie.tile(1, 2)
    %t1_3 = aie.tile(1, 3)
    %t1_4 = aie.tile(1, 4)
    %t1_5 = aie.tile(1, 5)
    %t2_2 = aie.tile(2, 2)
    %t2_3 = aie.tile(2, 3)
    %t2_4 = aie.tile(2, 4)
    %t2_5 = aie.tile(2, 5)
    %t3_2 = aie.tile(3, 2)
    %t3_3 = aie.tile(3, 3)
    %t3_4 = aie.tile(3, 4)
    %t3_5 = aie.tile(3, 5)

    aie.objectfifo @a_l2_0(%shim0, {%mem0}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @a_l1_0(%mem0, {%t0_2, %t1_2, %t2_2, %t3_2}, [2, 2, 2, 2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo.link [@a_l2_0] -> [@a_l1_0] ([] [])
    aie.objectfifo @b_l2_0(%shim0, {%mem0}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @b_l1_0(%mem0, {%t0_2, %t0_3, %t0_4, %t0_5}, [2, 2, 2, 2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo.link [@b_l2_0] -> [@b_l1_0] ([] [])
    aie.objectfifo @c_l1_0_2(%t0_2, {%mem0}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @c_l1_0_3(%t0_3, {%mem0}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @c_l1_0_4(%t0_4, {%mem0}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @c_l1_0_5(%t0_5, {%mem0}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @c_l2_0(%mem0, {%shim0}, [2, 2]) : !aie.objectfifo<memref<16384xi8>>
    aie.objectfifo.link [@c_l1_0_2, @c_l1_0_3, @c_l1_0_4, @c_l1_0_5] -> [@c_l2_0] ([0, 4096, 8192, 12288] [])

    aie.objectfifo @a_l2_1(%shim1, {%mem1}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @a_l1_1(%mem1, {%t0_3, %t1_3, %t2_3, %t3_3}, [2, 2, 2, 2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo.link [@a_l2_1] -> [@a_l1_1] ([] [])
    aie.objectfifo @b_l2_1(%shim1, {%mem1}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @b_l1_1(%mem1, {%t1_2, %t1_3, %t1_4, %t1_5}, [2, 2, 2, 2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo.link [@b_l2_1] -> [@b_l1_1] ([] [])
    aie.objectfifo @c_l1_1_2(%t1_2, {%mem1}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @c_l1_1_3(%t1_3, {%mem1}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @c_l1_1_4(%t1_4, {%mem1}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @c_l1_1_5(%t1_5, {%mem1}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @c_l2_1(%mem1, {%shim1}, [2, 2]) : !aie.objectfifo<memref<16384xi8>>
    aie.objectfifo.link [@c_l1_1_2, @c_l1_1_3, @c_l1_1_4, @c_l1_1_5] -> [@c_l2_1] ([0, 4096, 8192, 12288] [])

    aie.objectfifo @a_l2_2(%shim2, {%mem2}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @a_l1_2(%mem2, {%t0_4, %t1_4, %t2_4, %t3_4}, [2, 2, 2, 2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo.link [@a_l2_2] -> [@a_l1_2] ([] [])
    aie.objectfifo @b_l2_2(%shim2, {%mem2}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @b_l1_2(%mem2, {%t2_2, %t2_3, %t2_4, %t2_5}, [2, 2, 2, 2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo.link [@b_l2_2] -> [@b_l1_2] ([] [])
    aie.objectfifo @c_l1_2_2(%t2_2, {%mem2}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @c_l1_2_3(%t2_3, {%mem2}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @c_l1_2_4(%t2_4, {%mem2}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @c_l1_2_5(%t2_5, {%mem2}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @c_l2_2(%mem2, {%shim2}, [2, 2]) : !aie.objectfifo<memref<16384xi8>>
    aie.objectfifo.link [@c_l1_2_2, @c_l1_2_3, @c_l1_2_4, @c_l1_2_5] -> [@c_l2_2] ([0, 4096, 8192, 12288] [])

    aie.objectfifo @a_l2_3(%shim3, {%mem3}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @a_l1_3(%mem3, {%t0_5, %t1_5, %t2_5, %t3_5}, [2, 2, 2, 2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo.link [@a_l2_3] -> [@a_l1_3] ([] [])
    aie.objectfifo @b_l2_3(%shim3, {%mem3}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @b_l1_3(%mem3, {%t3_2, %t3_3, %t3_4, %t3_5}, [2, 2, 2, 2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo.link [@b_l2_3] -> [@b_l1_3] ([] [])
    aie.objectfifo @c_l1_3_2(%t3_2, {%mem3}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @c_l1_3_3(%t3_3, {%mem3}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @c_l1_3_4(%t3_4, {%mem3}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @c_l1_3_5(%t3_5, {%mem3}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @c_l2_3(%mem3, {%shim3}, [2, 2]) : !aie.objectfifo<memref<16384xi8>>
    aie.objectfifo.link [@c_l1_3_2, @c_l1_3_3, @c_l1_3_4, @c_l1_3_5] -> [@c_l2_3] ([0, 4096, 8192, 12288] [])

    func.func private @npu_job_begin(memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
    func.func private @npu_gemm_begin_s32(memref<1024xi32>, memref<64x64xi32>) -> ()
    func.func private @npu_gemm_step_s16s8(memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
    func.func private @npu_gemm_finish_s16(memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
    func.func private @npu_gemm_finish_s32(memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
    func.func private @npu_gemm_finish_gelu(memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
    func.func private @npu_gemm_finish_residual(memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
    func.func private @npu_gemm_finish_stem(memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()

    %acc_0_2 = aie.buffer(%t0_2) {sym_name = "acc_0_2"} : memref<64x64xi32>
    %job_0_2 = aie.buffer(%t0_2) {sym_name = "job_0_2"} : memref<1024xi32>
    %lut_ab_0_2 = aie.buffer(%t0_2) {sym_name = "lut_ab_0_2"} : memref<2048xi16>
    %lut_cd_0_2 = aie.buffer(%t0_2) {sym_name = "lut_cd_0_2"} : memref<2048xi16>
    %core_0_2 = aie.core(%t0_2) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c4 = arith.constant 4 : index
      %cmax = arith.constant 9223372036854775807 : index
      %w0 = arith.constant 0 : i32
      %w1 = arith.constant 1 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        %object_v = aie.objectfifo.acquire @b_l1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %object = aie.objectfifo.subview.access %object_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_job_begin(%object, %job_0_2, %lut_ab_0_2, %lut_cd_0_2) : (memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
        aie.objectfifo.release @b_l1_0(Consume, 1)
        %steps_w = memref.load %job_0_2[%c0] : memref<1024xi32>
        %steps = arith.index_cast %steps_w : i32 to index
        %plain_w = memref.load %job_0_2[%c1] : memref<1024xi32>
        %plain = arith.index_cast %plain_w : i32 to index
        %operands_w = memref.load %job_0_2[%c2] : memref<1024xi32>
        %operands = arith.index_cast %operands_w : i32 to index
        %result_w = memref.load %job_0_2[%c4] : memref<1024xi32>
        %result = arith.index_cast %result_w : i32 to index
        func.call @npu_gemm_begin_s32(%job_0_2, %acc_0_2) : (memref<1024xi32>, memref<64x64xi32>) -> ()
        scf.for %k = %c0 to %steps step %c1 {
          %b_v = aie.objectfifo.acquire @b_l1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %b = aie.objectfifo.subview.access %b_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %a0_v = aie.objectfifo.acquire @a_l1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a0 = aie.objectfifo.subview.access %a0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a0, %b, %acc_0_2, %w0) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_0(Consume, 1)
          %a1_v = aie.objectfifo.acquire @a_l1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a1 = aie.objectfifo.subview.access %a1_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a1, %b, %acc_0_2, %w1) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_0(Consume, 1)
          aie.objectfifo.release @b_l1_0(Consume, 1)
        }
        scf.for %p = %c0 to %plain step %c1 {
          %part = arith.index_cast %p : index to i32
          %c_v = aie.objectfifo.acquire @c_l1_0_2(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          scf.index_switch %result
          case 1 {
            func.call @npu_gemm_finish_s32(%job_0_2, %acc_0_2, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          case 2 {
            func.call @npu_gemm_finish_gelu(%job_0_2, %lut_ab_0_2, %lut_cd_0_2, %acc_0_2, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          default {
            func.call @npu_gemm_finish_s16(%job_0_2, %acc_0_2, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          aie.objectfifo.release @c_l1_0_2(Produce, 1)
        }
        scf.for %q = %c0 to %operands step %c1 {
          %x_v = aie.objectfifo.acquire @a_l1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %x = aie.objectfifo.subview.access %x_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %from = arith.cmpi sge, %q, %c0 : index
          %below = arith.cmpi slt, %q, %c4 : index
          %own = arith.andi %from, %below : i1
          scf.if %own {
            %row = arith.subi %q, %c0 : index
            %part = arith.index_cast %row : index to i32
            %c_v = aie.objectfifo.acquire @c_l1_0_2(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            scf.index_switch %result
            case 4 {
              func.call @npu_gemm_finish_stem(%job_0_2, %lut_ab_0_2, %lut_cd_0_2, %acc_0_2, %x, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            default {
              func.call @npu_gemm_finish_residual(%job_0_2, %acc_0_2, %x, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            aie.objectfifo.release @c_l1_0_2(Produce, 1)
          }
          aie.objectfifo.release @a_l1_0(Consume, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    %acc_0_3 = aie.buffer(%t0_3) {sym_name = "acc_0_3"} : memref<64x64xi32>
    %job_0_3 = aie.buffer(%t0_3) {sym_name = "job_0_3"} : memref<1024xi32>
    %lut_ab_0_3 = aie.buffer(%t0_3) {sym_name = "lut_ab_0_3"} : memref<2048xi16>
    %lut_cd_0_3 = aie.buffer(%t0_3) {sym_name = "lut_cd_0_3"} : memref<2048xi16>
    %core_0_3 = aie.core(%t0_3) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c4 = arith.constant 4 : index
      %cmax = arith.constant 9223372036854775807 : index
      %w0 = arith.constant 0 : i32
      %w1 = arith.constant 1 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        %object_v = aie.objectfifo.acquire @b_l1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %object = aie.objectfifo.subview.access %object_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_job_begin(%object, %job_0_3, %lut_ab_0_3, %lut_cd_0_3) : (memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
        aie.objectfifo.release @b_l1_0(Consume, 1)
        %steps_w = memref.load %job_0_3[%c0] : memref<1024xi32>
        %steps = arith.index_cast %steps_w : i32 to index
        %plain_w = memref.load %job_0_3[%c1] : memref<1024xi32>
        %plain = arith.index_cast %plain_w : i32 to index
        %operands_w = memref.load %job_0_3[%c2] : memref<1024xi32>
        %operands = arith.index_cast %operands_w : i32 to index
        %result_w = memref.load %job_0_3[%c4] : memref<1024xi32>
        %result = arith.index_cast %result_w : i32 to index
        func.call @npu_gemm_begin_s32(%job_0_3, %acc_0_3) : (memref<1024xi32>, memref<64x64xi32>) -> ()
        scf.for %k = %c0 to %steps step %c1 {
          %b_v = aie.objectfifo.acquire @b_l1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %b = aie.objectfifo.subview.access %b_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %a0_v = aie.objectfifo.acquire @a_l1_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a0 = aie.objectfifo.subview.access %a0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a0, %b, %acc_0_3, %w0) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_1(Consume, 1)
          %a1_v = aie.objectfifo.acquire @a_l1_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a1 = aie.objectfifo.subview.access %a1_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a1, %b, %acc_0_3, %w1) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_1(Consume, 1)
          aie.objectfifo.release @b_l1_0(Consume, 1)
        }
        scf.for %p = %c0 to %plain step %c1 {
          %part = arith.index_cast %p : index to i32
          %c_v = aie.objectfifo.acquire @c_l1_0_3(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          scf.index_switch %result
          case 1 {
            func.call @npu_gemm_finish_s32(%job_0_3, %acc_0_3, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          case 2 {
            func.call @npu_gemm_finish_gelu(%job_0_3, %lut_ab_0_3, %lut_cd_0_3, %acc_0_3, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          default {
            func.call @npu_gemm_finish_s16(%job_0_3, %acc_0_3, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          aie.objectfifo.release @c_l1_0_3(Produce, 1)
        }
        scf.for %q = %c0 to %operands step %c1 {
          %x_v = aie.objectfifo.acquire @a_l1_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %x = aie.objectfifo.subview.access %x_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %from = arith.cmpi sge, %q, %c0 : index
          %below = arith.cmpi slt, %q, %c4 : index
          %own = arith.andi %from, %below : i1
          scf.if %own {
            %row = arith.subi %q, %c0 : index
            %part = arith.index_cast %row : index to i32
            %c_v = aie.objectfifo.acquire @c_l1_0_3(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            scf.index_switch %result
            case 4 {
              func.call @npu_gemm_finish_stem(%job_0_3, %lut_ab_0_3, %lut_cd_0_3, %acc_0_3, %x, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            default {
              func.call @npu_gemm_finish_residual(%job_0_3, %acc_0_3, %x, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            aie.objectfifo.release @c_l1_0_3(Produce, 1)
          }
          aie.objectfifo.release @a_l1_1(Consume, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    %acc_0_4 = aie.buffer(%t0_4) {sym_name = "acc_0_4"} : memref<64x64xi32>
    %job_0_4 = aie.buffer(%t0_4) {sym_name = "job_0_4"} : memref<1024xi32>
    %lut_ab_0_4 = aie.buffer(%t0_4) {sym_name = "lut_ab_0_4"} : memref<2048xi16>
    %lut_cd_0_4 = aie.buffer(%t0_4) {sym_name = "lut_cd_0_4"} : memref<2048xi16>
    %core_0_4 = aie.core(%t0_4) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c4 = arith.constant 4 : index
      %cmax = arith.constant 9223372036854775807 : index
      %w0 = arith.constant 0 : i32
      %w1 = arith.constant 1 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        %object_v = aie.objectfifo.acquire @b_l1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %object = aie.objectfifo.subview.access %object_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_job_begin(%object, %job_0_4, %lut_ab_0_4, %lut_cd_0_4) : (memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
        aie.objectfifo.release @b_l1_0(Consume, 1)
        %steps_w = memref.load %job_0_4[%c0] : memref<1024xi32>
        %steps = arith.index_cast %steps_w : i32 to index
        %plain_w = memref.load %job_0_4[%c1] : memref<1024xi32>
        %plain = arith.index_cast %plain_w : i32 to index
        %operands_w = memref.load %job_0_4[%c2] : memref<1024xi32>
        %operands = arith.index_cast %operands_w : i32 to index
        %result_w = memref.load %job_0_4[%c4] : memref<1024xi32>
        %result = arith.index_cast %result_w : i32 to index
        func.call @npu_gemm_begin_s32(%job_0_4, %acc_0_4) : (memref<1024xi32>, memref<64x64xi32>) -> ()
        scf.for %k = %c0 to %steps step %c1 {
          %b_v = aie.objectfifo.acquire @b_l1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %b = aie.objectfifo.subview.access %b_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %a0_v = aie.objectfifo.acquire @a_l1_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a0 = aie.objectfifo.subview.access %a0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a0, %b, %acc_0_4, %w0) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_2(Consume, 1)
          %a1_v = aie.objectfifo.acquire @a_l1_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a1 = aie.objectfifo.subview.access %a1_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a1, %b, %acc_0_4, %w1) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_2(Consume, 1)
          aie.objectfifo.release @b_l1_0(Consume, 1)
        }
        scf.for %p = %c0 to %plain step %c1 {
          %part = arith.index_cast %p : index to i32
          %c_v = aie.objectfifo.acquire @c_l1_0_4(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          scf.index_switch %result
          case 1 {
            func.call @npu_gemm_finish_s32(%job_0_4, %acc_0_4, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          case 2 {
            func.call @npu_gemm_finish_gelu(%job_0_4, %lut_ab_0_4, %lut_cd_0_4, %acc_0_4, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          default {
            func.call @npu_gemm_finish_s16(%job_0_4, %acc_0_4, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          aie.objectfifo.release @c_l1_0_4(Produce, 1)
        }
        scf.for %q = %c0 to %operands step %c1 {
          %x_v = aie.objectfifo.acquire @a_l1_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %x = aie.objectfifo.subview.access %x_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %from = arith.cmpi sge, %q, %c0 : index
          %below = arith.cmpi slt, %q, %c4 : index
          %own = arith.andi %from, %below : i1
          scf.if %own {
            %row = arith.subi %q, %c0 : index
            %part = arith.index_cast %row : index to i32
            %c_v = aie.objectfifo.acquire @c_l1_0_4(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            scf.index_switch %result
            case 4 {
              func.call @npu_gemm_finish_stem(%job_0_4, %lut_ab_0_4, %lut_cd_0_4, %acc_0_4, %x, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            default {
              func.call @npu_gemm_finish_residual(%job_0_4, %acc_0_4, %x, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            aie.objectfifo.release @c_l1_0_4(Produce, 1)
          }
          aie.objectfifo.release @a_l1_2(Consume, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    %acc_0_5 = aie.buffer(%t0_5) {sym_name = "acc_0_5"} : memref<64x64xi32>
    %job_0_5 = aie.buffer(%t0_5) {sym_name = "job_0_5"} : memref<1024xi32>
    %lut_ab_0_5 = aie.buffer(%t0_5) {sym_name = "lut_ab_0_5"} : memref<2048xi16>
    %lut_cd_0_5 = aie.buffer(%t0_5) {sym_name = "lut_cd_0_5"} : memref<2048xi16>
    %core_0_5 = aie.core(%t0_5) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c4 = arith.constant 4 : index
      %cmax = arith.constant 9223372036854775807 : index
      %w0 = arith.constant 0 : i32
      %w1 = arith.constant 1 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        %object_v = aie.objectfifo.acquire @b_l1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %object = aie.objectfifo.subview.access %object_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_job_begin(%object, %job_0_5, %lut_ab_0_5, %lut_cd_0_5) : (memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
        aie.objectfifo.release @b_l1_0(Consume, 1)
        %steps_w = memref.load %job_0_5[%c0] : memref<1024xi32>
        %steps = arith.index_cast %steps_w : i32 to index
        %plain_w = memref.load %job_0_5[%c1] : memref<1024xi32>
        %plain = arith.index_cast %plain_w : i32 to index
        %operands_w = memref.load %job_0_5[%c2] : memref<1024xi32>
        %operands = arith.index_cast %operands_w : i32 to index
        %result_w = memref.load %job_0_5[%c4] : memref<1024xi32>
        %result = arith.index_cast %result_w : i32 to index
        func.call @npu_gemm_begin_s32(%job_0_5, %acc_0_5) : (memref<1024xi32>, memref<64x64xi32>) -> ()
        scf.for %k = %c0 to %steps step %c1 {
          %b_v = aie.objectfifo.acquire @b_l1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %b = aie.objectfifo.subview.access %b_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %a0_v = aie.objectfifo.acquire @a_l1_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a0 = aie.objectfifo.subview.access %a0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a0, %b, %acc_0_5, %w0) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_3(Consume, 1)
          %a1_v = aie.objectfifo.acquire @a_l1_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a1 = aie.objectfifo.subview.access %a1_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a1, %b, %acc_0_5, %w1) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_3(Consume, 1)
          aie.objectfifo.release @b_l1_0(Consume, 1)
        }
        scf.for %p = %c0 to %plain step %c1 {
          %part = arith.index_cast %p : index to i32
          %c_v = aie.objectfifo.acquire @c_l1_0_5(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          scf.index_switch %result
          case 1 {
            func.call @npu_gemm_finish_s32(%job_0_5, %acc_0_5, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          case 2 {
            func.call @npu_gemm_finish_gelu(%job_0_5, %lut_ab_0_5, %lut_cd_0_5, %acc_0_5, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          default {
            func.call @npu_gemm_finish_s16(%job_0_5, %acc_0_5, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          aie.objectfifo.release @c_l1_0_5(Produce, 1)
        }
        scf.for %q = %c0 to %operands step %c1 {
          %x_v = aie.objectfifo.acquire @a_l1_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %x = aie.objectfifo.subview.access %x_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %from = arith.cmpi sge, %q, %c0 : index
          %below = arith.cmpi slt, %q, %c4 : index
          %own = arith.andi %from, %below : i1
          scf.if %own {
            %row = arith.subi %q, %c0 : index
            %part = arith.index_cast %row : index to i32
            %c_v = aie.objectfifo.acquire @c_l1_0_5(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            scf.index_switch %result
            case 4 {
              func.call @npu_gemm_finish_stem(%job_0_5, %lut_ab_0_5, %lut_cd_0_5, %acc_0_5, %x, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            default {
              func.call @npu_gemm_finish_residual(%job_0_5, %acc_0_5, %x, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            aie.objectfifo.release @c_l1_0_5(Produce, 1)
          }
          aie.objectfifo.release @a_l1_3(Consume, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    %acc_1_2 = aie.buffer(%t1_2) {sym_name = "acc_1_2"} : memref<64x64xi32>
    %job_1_2 = aie.buffer(%t1_2) {sym_name = "job_1_2"} : memref<1024xi32>
    %lut_ab_1_2 = aie.buffer(%t1_2) {sym_name = "lut_ab_1_2"} : memref<2048xi16>
    %lut_cd_1_2 = aie.buffer(%t1_2) {sym_name = "lut_cd_1_2"} : memref<2048xi16>
    %core_1_2 = aie.core(%t1_2) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c4 = arith.constant 4 : index
      %c8 = arith.constant 8 : index
      %cmax = arith.constant 9223372036854775807 : index
      %w0 = arith.constant 0 : i32
      %w1 = arith.constant 1 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        %object_v = aie.objectfifo.acquire @b_l1_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %object = aie.objectfifo.subview.access %object_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_job_begin(%object, %job_1_2, %lut_ab_1_2, %lut_cd_1_2) : (memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
        aie.objectfifo.release @b_l1_1(Consume, 1)
        %steps_w = memref.load %job_1_2[%c0] : memref<1024xi32>
        %steps = arith.index_cast %steps_w : i32 to index
        %plain_w = memref.load %job_1_2[%c1] : memref<1024xi32>
        %plain = arith.index_cast %plain_w : i32 to index
        %operands_w = memref.load %job_1_2[%c2] : memref<1024xi32>
        %operands = arith.index_cast %operands_w : i32 to index
        %result_w = memref.load %job_1_2[%c4] : memref<1024xi32>
        %result = arith.index_cast %result_w : i32 to index
        func.call @npu_gemm_begin_s32(%job_1_2, %acc_1_2) : (memref<1024xi32>, memref<64x64xi32>) -> ()
        scf.for %k = %c0 to %steps step %c1 {
          %b_v = aie.objectfifo.acquire @b_l1_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %b = aie.objectfifo.subview.access %b_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %a0_v = aie.objectfifo.acquire @a_l1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a0 = aie.objectfifo.subview.access %a0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a0, %b, %acc_1_2, %w0) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_0(Consume, 1)
          %a1_v = aie.objectfifo.acquire @a_l1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a1 = aie.objectfifo.subview.access %a1_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a1, %b, %acc_1_2, %w1) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_0(Consume, 1)
          aie.objectfifo.release @b_l1_1(Consume, 1)
        }
        scf.for %p = %c0 to %plain step %c1 {
          %part = arith.index_cast %p : index to i32
          %c_v = aie.objectfifo.acquire @c_l1_1_2(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          scf.index_switch %result
          case 1 {
            func.call @npu_gemm_finish_s32(%job_1_2, %acc_1_2, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          case 2 {
            func.call @npu_gemm_finish_gelu(%job_1_2, %lut_ab_1_2, %lut_cd_1_2, %acc_1_2, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          default {
            func.call @npu_gemm_finish_s16(%job_1_2, %acc_1_2, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          aie.objectfifo.release @c_l1_1_2(Produce, 1)
        }
        scf.for %q = %c0 to %operands step %c1 {
          %x_v = aie.objectfifo.acquire @a_l1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %x = aie.objectfifo.subview.access %x_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %from = arith.cmpi sge, %q, %c4 : index
          %below = arith.cmpi slt, %q, %c8 : index
          %own = arith.andi %from, %below : i1
          scf.if %own {
            %row = arith.subi %q, %c4 : index
            %part = arith.index_cast %row : index to i32
            %c_v = aie.objectfifo.acquire @c_l1_1_2(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            scf.index_switch %result
            case 4 {
              func.call @npu_gemm_finish_stem(%job_1_2, %lut_ab_1_2, %lut_cd_1_2, %acc_1_2, %x, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            default {
              func.call @npu_gemm_finish_residual(%job_1_2, %acc_1_2, %x, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            aie.objectfifo.release @c_l1_1_2(Produce, 1)
          }
          aie.objectfifo.release @a_l1_0(Consume, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    %acc_1_3 = aie.buffer(%t1_3) {sym_name = "acc_1_3"} : memref<64x64xi32>
    %job_1_3 = aie.buffer(%t1_3) {sym_name = "job_1_3"} : memref<1024xi32>
    %lut_ab_1_3 = aie.buffer(%t1_3) {sym_name = "lut_ab_1_3"} : memref<2048xi16>
    %lut_cd_1_3 = aie.buffer(%t1_3) {sym_name = "lut_cd_1_3"} : memref<2048xi16>
    %core_1_3 = aie.core(%t1_3) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c4 = arith.constant 4 : index
      %c8 = arith.constant 8 : index
      %cmax = arith.constant 9223372036854775807 : index
      %w0 = arith.constant 0 : i32
      %w1 = arith.constant 1 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        %object_v = aie.objectfifo.acquire @b_l1_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %object = aie.objectfifo.subview.access %object_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_job_begin(%object, %job_1_3, %lut_ab_1_3, %lut_cd_1_3) : (memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
        aie.objectfifo.release @b_l1_1(Consume, 1)
        %steps_w = memref.load %job_1_3[%c0] : memref<1024xi32>
        %steps = arith.index_cast %steps_w : i32 to index
        %plain_w = memref.load %job_1_3[%c1] : memref<1024xi32>
        %plain = arith.index_cast %plain_w : i32 to index
        %operands_w = memref.load %job_1_3[%c2] : memref<1024xi32>
        %operands = arith.index_cast %operands_w : i32 to index
        %result_w = memref.load %job_1_3[%c4] : memref<1024xi32>
        %result = arith.index_cast %result_w : i32 to index
        func.call @npu_gemm_begin_s32(%job_1_3, %acc_1_3) : (memref<1024xi32>, memref<64x64xi32>) -> ()
        scf.for %k = %c0 to %steps step %c1 {
          %b_v = aie.objectfifo.acquire @b_l1_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %b = aie.objectfifo.subview.access %b_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %a0_v = aie.objectfifo.acquire @a_l1_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a0 = aie.objectfifo.subview.access %a0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a0, %b, %acc_1_3, %w0) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_1(Consume, 1)
          %a1_v = aie.objectfifo.acquire @a_l1_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a1 = aie.objectfifo.subview.access %a1_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a1, %b, %acc_1_3, %w1) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_1(Consume, 1)
          aie.objectfifo.release @b_l1_1(Consume, 1)
        }
        scf.for %p = %c0 to %plain step %c1 {
          %part = arith.index_cast %p : index to i32
          %c_v = aie.objectfifo.acquire @c_l1_1_3(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          scf.index_switch %result
          case 1 {
            func.call @npu_gemm_finish_s32(%job_1_3, %acc_1_3, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          case 2 {
            func.call @npu_gemm_finish_gelu(%job_1_3, %lut_ab_1_3, %lut_cd_1_3, %acc_1_3, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          default {
            func.call @npu_gemm_finish_s16(%job_1_3, %acc_1_3, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          aie.objectfifo.release @c_l1_1_3(Produce, 1)
        }
        scf.for %q = %c0 to %operands step %c1 {
          %x_v = aie.objectfifo.acquire @a_l1_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %x = aie.objectfifo.subview.access %x_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %from = arith.cmpi sge, %q, %c4 : index
          %below = arith.cmpi slt, %q, %c8 : index
          %own = arith.andi %from, %below : i1
          scf.if %own {
            %row = arith.subi %q, %c4 : index
            %part = arith.index_cast %row : index to i32
            %c_v = aie.objectfifo.acquire @c_l1_1_3(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            scf.index_switch %result
            case 4 {
              func.call @npu_gemm_finish_stem(%job_1_3, %lut_ab_1_3, %lut_cd_1_3, %acc_1_3, %x, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            default {
              func.call @npu_gemm_finish_residual(%job_1_3, %acc_1_3, %x, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            aie.objectfifo.release @c_l1_1_3(Produce, 1)
          }
          aie.objectfifo.release @a_l1_1(Consume, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    %acc_1_4 = aie.buffer(%t1_4) {sym_name = "acc_1_4"} : memref<64x64xi32>
    %job_1_4 = aie.buffer(%t1_4) {sym_name = "job_1_4"} : memref<1024xi32>
    %lut_ab_1_4 = aie.buffer(%t1_4) {sym_name = "lut_ab_1_4"} : memref<2048xi16>
    %lut_cd_1_4 = aie.buffer(%t1_4) {sym_name = "lut_cd_1_4"} : memref<2048xi16>
    %core_1_4 = aie.core(%t1_4) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c4 = arith.constant 4 : index
      %c8 = arith.constant 8 : index
      %cmax = arith.constant 9223372036854775807 : index
      %w0 = arith.constant 0 : i32
      %w1 = arith.constant 1 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        %object_v = aie.objectfifo.acquire @b_l1_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %object = aie.objectfifo.subview.access %object_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_job_begin(%object, %job_1_4, %lut_ab_1_4, %lut_cd_1_4) : (memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
        aie.objectfifo.release @b_l1_1(Consume, 1)
        %steps_w = memref.load %job_1_4[%c0] : memref<1024xi32>
        %steps = arith.index_cast %steps_w : i32 to index
        %plain_w = memref.load %job_1_4[%c1] : memref<1024xi32>
        %plain = arith.index_cast %plain_w : i32 to index
        %operands_w = memref.load %job_1_4[%c2] : memref<1024xi32>
        %operands = arith.index_cast %operands_w : i32 to index
        %result_w = memref.load %job_1_4[%c4] : memref<1024xi32>
        %result = arith.index_cast %result_w : i32 to index
        func.call @npu_gemm_begin_s32(%job_1_4, %acc_1_4) : (memref<1024xi32>, memref<64x64xi32>) -> ()
        scf.for %k = %c0 to %steps step %c1 {
          %b_v = aie.objectfifo.acquire @b_l1_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %b = aie.objectfifo.subview.access %b_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %a0_v = aie.objectfifo.acquire @a_l1_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a0 = aie.objectfifo.subview.access %a0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a0, %b, %acc_1_4, %w0) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_2(Consume, 1)
          %a1_v = aie.objectfifo.acquire @a_l1_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a1 = aie.objectfifo.subview.access %a1_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a1, %b, %acc_1_4, %w1) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_2(Consume, 1)
          aie.objectfifo.release @b_l1_1(Consume, 1)
        }
        scf.for %p = %c0 to %plain step %c1 {
          %part = arith.index_cast %p : index to i32
          %c_v = aie.objectfifo.acquire @c_l1_1_4(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          scf.index_switch %result
          case 1 {
            func.call @npu_gemm_finish_s32(%job_1_4, %acc_1_4, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          case 2 {
            func.call @npu_gemm_finish_gelu(%job_1_4, %lut_ab_1_4, %lut_cd_1_4, %acc_1_4, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          default {
            func.call @npu_gemm_finish_s16(%job_1_4, %acc_1_4, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          aie.objectfifo.release @c_l1_1_4(Produce, 1)
        }
        scf.for %q = %c0 to %operands step %c1 {
          %x_v = aie.objectfifo.acquire @a_l1_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %x = aie.objectfifo.subview.access %x_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %from = arith.cmpi sge, %q, %c4 : index
          %below = arith.cmpi slt, %q, %c8 : index
          %own = arith.andi %from, %below : i1
          scf.if %own {
            %row = arith.subi %q, %c4 : index
            %part = arith.index_cast %row : index to i32
            %c_v = aie.objectfifo.acquire @c_l1_1_4(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            scf.index_switch %result
            case 4 {
              func.call @npu_gemm_finish_stem(%job_1_4, %lut_ab_1_4, %lut_cd_1_4, %acc_1_4, %x, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            default {
              func.call @npu_gemm_finish_residual(%job_1_4, %acc_1_4, %x, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            aie.objectfifo.release @c_l1_1_4(Produce, 1)
          }
          aie.objectfifo.release @a_l1_2(Consume, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    %acc_1_5 = aie.buffer(%t1_5) {sym_name = "acc_1_5"} : memref<64x64xi32>
    %job_1_5 = aie.buffer(%t1_5) {sym_name = "job_1_5"} : memref<1024xi32>
    %lut_ab_1_5 = aie.buffer(%t1_5) {sym_name = "lut_ab_1_5"} : memref<2048xi16>
    %lut_cd_1_5 = aie.buffer(%t1_5) {sym_name = "lut_cd_1_5"} : memref<2048xi16>
    %core_1_5 = aie.core(%t1_5) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c4 = arith.constant 4 : index
      %c8 = arith.constant 8 : index
      %cmax = arith.constant 9223372036854775807 : index
      %w0 = arith.constant 0 : i32
      %w1 = arith.constant 1 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        %object_v = aie.objectfifo.acquire @b_l1_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %object = aie.objectfifo.subview.access %object_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_job_begin(%object, %job_1_5, %lut_ab_1_5, %lut_cd_1_5) : (memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
        aie.objectfifo.release @b_l1_1(Consume, 1)
        %steps_w = memref.load %job_1_5[%c0] : memref<1024xi32>
        %steps = arith.index_cast %steps_w : i32 to index
        %plain_w = memref.load %job_1_5[%c1] : memref<1024xi32>
        %plain = arith.index_cast %plain_w : i32 to index
        %operands_w = memref.load %job_1_5[%c2] : memref<1024xi32>
        %operands = arith.index_cast %operands_w : i32 to index
        %result_w = memref.load %job_1_5[%c4] : memref<1024xi32>
        %result = arith.index_cast %result_w : i32 to index
        func.call @npu_gemm_begin_s32(%job_1_5, %acc_1_5) : (memref<1024xi32>, memref<64x64xi32>) -> ()
        scf.for %k = %c0 to %steps step %c1 {
          %b_v = aie.objectfifo.acquire @b_l1_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %b = aie.objectfifo.subview.access %b_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %a0_v = aie.objectfifo.acquire @a_l1_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a0 = aie.objectfifo.subview.access %a0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a0, %b, %acc_1_5, %w0) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_3(Consume, 1)
          %a1_v = aie.objectfifo.acquire @a_l1_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a1 = aie.objectfifo.subview.access %a1_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a1, %b, %acc_1_5, %w1) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_3(Consume, 1)
          aie.objectfifo.release @b_l1_1(Consume, 1)
        }
        scf.for %p = %c0 to %plain step %c1 {
          %part = arith.index_cast %p : index to i32
          %c_v = aie.objectfifo.acquire @c_l1_1_5(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          scf.index_switch %result
          case 1 {
            func.call @npu_gemm_finish_s32(%job_1_5, %acc_1_5, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          case 2 {
            func.call @npu_gemm_finish_gelu(%job_1_5, %lut_ab_1_5, %lut_cd_1_5, %acc_1_5, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          default {
            func.call @npu_gemm_finish_s16(%job_1_5, %acc_1_5, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          aie.objectfifo.release @c_l1_1_5(Produce, 1)
        }
        scf.for %q = %c0 to %operands step %c1 {
          %x_v = aie.objectfifo.acquire @a_l1_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %x = aie.objectfifo.subview.access %x_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %from = arith.cmpi sge, %q, %c4 : index
          %below = arith.cmpi slt, %q, %c8 : index
          %own = arith.andi %from, %below : i1
          scf.if %own {
            %row = arith.subi %q, %c4 : index
            %part = arith.index_cast %row : index to i32
            %c_v = aie.objectfifo.acquire @c_l1_1_5(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            scf.index_switch %result
            case 4 {
              func.call @npu_gemm_finish_stem(%job_1_5, %lut_ab_1_5, %lut_cd_1_5, %acc_1_5, %x, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            default {
              func.call @npu_gemm_finish_residual(%job_1_5, %acc_1_5, %x, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            aie.objectfifo.release @c_l1_1_5(Produce, 1)
          }
          aie.objectfifo.release @a_l1_3(Consume, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    %acc_2_2 = aie.buffer(%t2_2) {sym_name = "acc_2_2"} : memref<64x64xi32>
    %job_2_2 = aie.buffer(%t2_2) {sym_name = "job_2_2"} : memref<1024xi32>
    %lut_ab_2_2 = aie.buffer(%t2_2) {sym_name = "lut_ab_2_2"} : memref<2048xi16>
    %lut_cd_2_2 = aie.buffer(%t2_2) {sym_name = "lut_cd_2_2"} : memref<2048xi16>
    %core_2_2 = aie.core(%t2_2) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c4 = arith.constant 4 : index
      %c8 = arith.constant 8 : index
      %c12 = arith.constant 12 : index
      %cmax = arith.constant 9223372036854775807 : index
      %w0 = arith.constant 0 : i32
      %w1 = arith.constant 1 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        %object_v = aie.objectfifo.acquire @b_l1_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %object = aie.objectfifo.subview.access %object_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_job_begin(%object, %job_2_2, %lut_ab_2_2, %lut_cd_2_2) : (memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
        aie.objectfifo.release @b_l1_2(Consume, 1)
        %steps_w = memref.load %job_2_2[%c0] : memref<1024xi32>
        %steps = arith.index_cast %steps_w : i32 to index
        %plain_w = memref.load %job_2_2[%c1] : memref<1024xi32>
        %plain = arith.index_cast %plain_w : i32 to index
        %operands_w = memref.load %job_2_2[%c2] : memref<1024xi32>
        %operands = arith.index_cast %operands_w : i32 to index
        %result_w = memref.load %job_2_2[%c4] : memref<1024xi32>
        %result = arith.index_cast %result_w : i32 to index
        func.call @npu_gemm_begin_s32(%job_2_2, %acc_2_2) : (memref<1024xi32>, memref<64x64xi32>) -> ()
        scf.for %k = %c0 to %steps step %c1 {
          %b_v = aie.objectfifo.acquire @b_l1_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %b = aie.objectfifo.subview.access %b_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %a0_v = aie.objectfifo.acquire @a_l1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a0 = aie.objectfifo.subview.access %a0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a0, %b, %acc_2_2, %w0) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_0(Consume, 1)
          %a1_v = aie.objectfifo.acquire @a_l1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a1 = aie.objectfifo.subview.access %a1_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a1, %b, %acc_2_2, %w1) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_0(Consume, 1)
          aie.objectfifo.release @b_l1_2(Consume, 1)
        }
        scf.for %p = %c0 to %plain step %c1 {
          %part = arith.index_cast %p : index to i32
          %c_v = aie.objectfifo.acquire @c_l1_2_2(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          scf.index_switch %result
          case 1 {
            func.call @npu_gemm_finish_s32(%job_2_2, %acc_2_2, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          case 2 {
            func.call @npu_gemm_finish_gelu(%job_2_2, %lut_ab_2_2, %lut_cd_2_2, %acc_2_2, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          default {
            func.call @npu_gemm_finish_s16(%job_2_2, %acc_2_2, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          aie.objectfifo.release @c_l1_2_2(Produce, 1)
        }
        scf.for %q = %c0 to %operands step %c1 {
          %x_v = aie.objectfifo.acquire @a_l1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %x = aie.objectfifo.subview.access %x_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %from = arith.cmpi sge, %q, %c8 : index
          %below = arith.cmpi slt, %q, %c12 : index
          %own = arith.andi %from, %below : i1
          scf.if %own {
            %row = arith.subi %q, %c8 : index
            %part = arith.index_cast %row : index to i32
            %c_v = aie.objectfifo.acquire @c_l1_2_2(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            scf.index_switch %result
            case 4 {
              func.call @npu_gemm_finish_stem(%job_2_2, %lut_ab_2_2, %lut_cd_2_2, %acc_2_2, %x, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            default {
              func.call @npu_gemm_finish_residual(%job_2_2, %acc_2_2, %x, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            aie.objectfifo.release @c_l1_2_2(Produce, 1)
          }
          aie.objectfifo.release @a_l1_0(Consume, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    %acc_2_3 = aie.buffer(%t2_3) {sym_name = "acc_2_3"} : memref<64x64xi32>
    %job_2_3 = aie.buffer(%t2_3) {sym_name = "job_2_3"} : memref<1024xi32>
    %lut_ab_2_3 = aie.buffer(%t2_3) {sym_name = "lut_ab_2_3"} : memref<2048xi16>
    %lut_cd_2_3 = aie.buffer(%t2_3) {sym_name = "lut_cd_2_3"} : memref<2048xi16>
    %core_2_3 = aie.core(%t2_3) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c4 = arith.constant 4 : index
      %c8 = arith.constant 8 : index
      %c12 = arith.constant 12 : index
      %cmax = arith.constant 9223372036854775807 : index
      %w0 = arith.constant 0 : i32
      %w1 = arith.constant 1 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        %object_v = aie.objectfifo.acquire @b_l1_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %object = aie.objectfifo.subview.access %object_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_job_begin(%object, %job_2_3, %lut_ab_2_3, %lut_cd_2_3) : (memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
        aie.objectfifo.release @b_l1_2(Consume, 1)
        %steps_w = memref.load %job_2_3[%c0] : memref<1024xi32>
        %steps = arith.index_cast %steps_w : i32 to index
        %plain_w = memref.load %job_2_3[%c1] : memref<1024xi32>
        %plain = arith.index_cast %plain_w : i32 to index
        %operands_w = memref.load %job_2_3[%c2] : memref<1024xi32>
        %operands = arith.index_cast %operands_w : i32 to index
        %result_w = memref.load %job_2_3[%c4] : memref<1024xi32>
        %result = arith.index_cast %result_w : i32 to index
        func.call @npu_gemm_begin_s32(%job_2_3, %acc_2_3) : (memref<1024xi32>, memref<64x64xi32>) -> ()
        scf.for %k = %c0 to %steps step %c1 {
          %b_v = aie.objectfifo.acquire @b_l1_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %b = aie.objectfifo.subview.access %b_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %a0_v = aie.objectfifo.acquire @a_l1_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a0 = aie.objectfifo.subview.access %a0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a0, %b, %acc_2_3, %w0) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_1(Consume, 1)
          %a1_v = aie.objectfifo.acquire @a_l1_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a1 = aie.objectfifo.subview.access %a1_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a1, %b, %acc_2_3, %w1) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_1(Consume, 1)
          aie.objectfifo.release @b_l1_2(Consume, 1)
        }
        scf.for %p = %c0 to %plain step %c1 {
          %part = arith.index_cast %p : index to i32
          %c_v = aie.objectfifo.acquire @c_l1_2_3(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          scf.index_switch %result
          case 1 {
            func.call @npu_gemm_finish_s32(%job_2_3, %acc_2_3, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          case 2 {
            func.call @npu_gemm_finish_gelu(%job_2_3, %lut_ab_2_3, %lut_cd_2_3, %acc_2_3, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          default {
            func.call @npu_gemm_finish_s16(%job_2_3, %acc_2_3, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          aie.objectfifo.release @c_l1_2_3(Produce, 1)
        }
        scf.for %q = %c0 to %operands step %c1 {
          %x_v = aie.objectfifo.acquire @a_l1_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %x = aie.objectfifo.subview.access %x_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %from = arith.cmpi sge, %q, %c8 : index
          %below = arith.cmpi slt, %q, %c12 : index
          %own = arith.andi %from, %below : i1
          scf.if %own {
            %row = arith.subi %q, %c8 : index
            %part = arith.index_cast %row : index to i32
            %c_v = aie.objectfifo.acquire @c_l1_2_3(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            scf.index_switch %result
            case 4 {
              func.call @npu_gemm_finish_stem(%job_2_3, %lut_ab_2_3, %lut_cd_2_3, %acc_2_3, %x, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            default {
              func.call @npu_gemm_finish_residual(%job_2_3, %acc_2_3, %x, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            aie.objectfifo.release @c_l1_2_3(Produce, 1)
          }
          aie.objectfifo.release @a_l1_1(Consume, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    %acc_2_4 = aie.buffer(%t2_4) {sym_name = "acc_2_4"} : memref<64x64xi32>
    %job_2_4 = aie.buffer(%t2_4) {sym_name = "job_2_4"} : memref<1024xi32>
    %lut_ab_2_4 = aie.buffer(%t2_4) {sym_name = "lut_ab_2_4"} : memref<2048xi16>
    %lut_cd_2_4 = aie.buffer(%t2_4) {sym_name = "lut_cd_2_4"} : memref<2048xi16>
    %core_2_4 = aie.core(%t2_4) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c4 = arith.constant 4 : index
      %c8 = arith.constant 8 : index
      %c12 = arith.constant 12 : index
      %cmax = arith.constant 9223372036854775807 : index
      %w0 = arith.constant 0 : i32
      %w1 = arith.constant 1 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        %object_v = aie.objectfifo.acquire @b_l1_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %object = aie.objectfifo.subview.access %object_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_job_begin(%object, %job_2_4, %lut_ab_2_4, %lut_cd_2_4) : (memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
        aie.objectfifo.release @b_l1_2(Consume, 1)
        %steps_w = memref.load %job_2_4[%c0] : memref<1024xi32>
        %steps = arith.index_cast %steps_w : i32 to index
        %plain_w = memref.load %job_2_4[%c1] : memref<1024xi32>
        %plain = arith.index_cast %plain_w : i32 to index
        %operands_w = memref.load %job_2_4[%c2] : memref<1024xi32>
        %operands = arith.index_cast %operands_w : i32 to index
        %result_w = memref.load %job_2_4[%c4] : memref<1024xi32>
        %result = arith.index_cast %result_w : i32 to index
        func.call @npu_gemm_begin_s32(%job_2_4, %acc_2_4) : (memref<1024xi32>, memref<64x64xi32>) -> ()
        scf.for %k = %c0 to %steps step %c1 {
          %b_v = aie.objectfifo.acquire @b_l1_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %b = aie.objectfifo.subview.access %b_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %a0_v = aie.objectfifo.acquire @a_l1_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a0 = aie.objectfifo.subview.access %a0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a0, %b, %acc_2_4, %w0) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_2(Consume, 1)
          %a1_v = aie.objectfifo.acquire @a_l1_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a1 = aie.objectfifo.subview.access %a1_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a1, %b, %acc_2_4, %w1) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_2(Consume, 1)
          aie.objectfifo.release @b_l1_2(Consume, 1)
        }
        scf.for %p = %c0 to %plain step %c1 {
          %part = arith.index_cast %p : index to i32
          %c_v = aie.objectfifo.acquire @c_l1_2_4(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          scf.index_switch %result
          case 1 {
            func.call @npu_gemm_finish_s32(%job_2_4, %acc_2_4, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          case 2 {
            func.call @npu_gemm_finish_gelu(%job_2_4, %lut_ab_2_4, %lut_cd_2_4, %acc_2_4, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          default {
            func.call @npu_gemm_finish_s16(%job_2_4, %acc_2_4, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          aie.objectfifo.release @c_l1_2_4(Produce, 1)
        }
        scf.for %q = %c0 to %operands step %c1 {
          %x_v = aie.objectfifo.acquire @a_l1_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %x = aie.objectfifo.subview.access %x_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %from = arith.cmpi sge, %q, %c8 : index
          %below = arith.cmpi slt, %q, %c12 : index
          %own = arith.andi %from, %below : i1
          scf.if %own {
            %row = arith.subi %q, %c8 : index
            %part = arith.index_cast %row : index to i32
            %c_v = aie.objectfifo.acquire @c_l1_2_4(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            scf.index_switch %result
            case 4 {
              func.call @npu_gemm_finish_stem(%job_2_4, %lut_ab_2_4, %lut_cd_2_4, %acc_2_4, %x, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            default {
              func.call @npu_gemm_finish_residual(%job_2_4, %acc_2_4, %x, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            aie.objectfifo.release @c_l1_2_4(Produce, 1)
          }
          aie.objectfifo.release @a_l1_2(Consume, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    %acc_2_5 = aie.buffer(%t2_5) {sym_name = "acc_2_5"} : memref<64x64xi32>
    %job_2_5 = aie.buffer(%t2_5) {sym_name = "job_2_5"} : memref<1024xi32>
    %lut_ab_2_5 = aie.buffer(%t2_5) {sym_name = "lut_ab_2_5"} : memref<2048xi16>
    %lut_cd_2_5 = aie.buffer(%t2_5) {sym_name = "lut_cd_2_5"} : memref<2048xi16>
    %core_2_5 = aie.core(%t2_5) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c4 = arith.constant 4 : index
      %c8 = arith.constant 8 : index
      %c12 = arith.constant 12 : index
      %cmax = arith.constant 9223372036854775807 : index
      %w0 = arith.constant 0 : i32
      %w1 = arith.constant 1 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        %object_v = aie.objectfifo.acquire @b_l1_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %object = aie.objectfifo.subview.access %object_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_job_begin(%object, %job_2_5, %lut_ab_2_5, %lut_cd_2_5) : (memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
        aie.objectfifo.release @b_l1_2(Consume, 1)
        %steps_w = memref.load %job_2_5[%c0] : memref<1024xi32>
        %steps = arith.index_cast %steps_w : i32 to index
        %plain_w = memref.load %job_2_5[%c1] : memref<1024xi32>
        %plain = arith.index_cast %plain_w : i32 to index
        %operands_w = memref.load %job_2_5[%c2] : memref<1024xi32>
        %operands = arith.index_cast %operands_w : i32 to index
        %result_w = memref.load %job_2_5[%c4] : memref<1024xi32>
        %result = arith.index_cast %result_w : i32 to index
        func.call @npu_gemm_begin_s32(%job_2_5, %acc_2_5) : (memref<1024xi32>, memref<64x64xi32>) -> ()
        scf.for %k = %c0 to %steps step %c1 {
          %b_v = aie.objectfifo.acquire @b_l1_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %b = aie.objectfifo.subview.access %b_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %a0_v = aie.objectfifo.acquire @a_l1_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a0 = aie.objectfifo.subview.access %a0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a0, %b, %acc_2_5, %w0) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_3(Consume, 1)
          %a1_v = aie.objectfifo.acquire @a_l1_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a1 = aie.objectfifo.subview.access %a1_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a1, %b, %acc_2_5, %w1) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_3(Consume, 1)
          aie.objectfifo.release @b_l1_2(Consume, 1)
        }
        scf.for %p = %c0 to %plain step %c1 {
          %part = arith.index_cast %p : index to i32
          %c_v = aie.objectfifo.acquire @c_l1_2_5(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          scf.index_switch %result
          case 1 {
            func.call @npu_gemm_finish_s32(%job_2_5, %acc_2_5, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          case 2 {
            func.call @npu_gemm_finish_gelu(%job_2_5, %lut_ab_2_5, %lut_cd_2_5, %acc_2_5, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          default {
            func.call @npu_gemm_finish_s16(%job_2_5, %acc_2_5, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          aie.objectfifo.release @c_l1_2_5(Produce, 1)
        }
        scf.for %q = %c0 to %operands step %c1 {
          %x_v = aie.objectfifo.acquire @a_l1_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %x = aie.objectfifo.subview.access %x_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %from = arith.cmpi sge, %q, %c8 : index
          %below = arith.cmpi slt, %q, %c12 : index
          %own = arith.andi %from, %below : i1
          scf.if %own {
            %row = arith.subi %q, %c8 : index
            %part = arith.index_cast %row : index to i32
            %c_v = aie.objectfifo.acquire @c_l1_2_5(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            scf.index_switch %result
            case 4 {
              func.call @npu_gemm_finish_stem(%job_2_5, %lut_ab_2_5, %lut_cd_2_5, %acc_2_5, %x, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            default {
              func.call @npu_gemm_finish_residual(%job_2_5, %acc_2_5, %x, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            aie.objectfifo.release @c_l1_2_5(Produce, 1)
          }
          aie.objectfifo.release @a_l1_3(Consume, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    %acc_3_2 = aie.buffer(%t3_2) {sym_name = "acc_3_2"} : memref<64x64xi32>
    %job_3_2 = aie.buffer(%t3_2) {sym_name = "job_3_2"} : memref<1024xi32>
    %lut_ab_3_2 = aie.buffer(%t3_2) {sym_name = "lut_ab_3_2"} : memref<2048xi16>
    %lut_cd_3_2 = aie.buffer(%t3_2) {sym_name = "lut_cd_3_2"} : memref<2048xi16>
    %core_3_2 = aie.core(%t3_2) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c4 = arith.constant 4 : index
      %c12 = arith.constant 12 : index
      %c16 = arith.constant 16 : index
      %cmax = arith.constant 9223372036854775807 : index
      %w0 = arith.constant 0 : i32
      %w1 = arith.constant 1 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        %object_v = aie.objectfifo.acquire @b_l1_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %object = aie.objectfifo.subview.access %object_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_job_begin(%object, %job_3_2, %lut_ab_3_2, %lut_cd_3_2) : (memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
        aie.objectfifo.release @b_l1_3(Consume, 1)
        %steps_w = memref.load %job_3_2[%c0] : memref<1024xi32>
        %steps = arith.index_cast %steps_w : i32 to index
        %plain_w = memref.load %job_3_2[%c1] : memref<1024xi32>
        %plain = arith.index_cast %plain_w : i32 to index
        %operands_w = memref.load %job_3_2[%c2] : memref<1024xi32>
        %operands = arith.index_cast %operands_w : i32 to index
        %result_w = memref.load %job_3_2[%c4] : memref<1024xi32>
        %result = arith.index_cast %result_w : i32 to index
        func.call @npu_gemm_begin_s32(%job_3_2, %acc_3_2) : (memref<1024xi32>, memref<64x64xi32>) -> ()
        scf.for %k = %c0 to %steps step %c1 {
          %b_v = aie.objectfifo.acquire @b_l1_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %b = aie.objectfifo.subview.access %b_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %a0_v = aie.objectfifo.acquire @a_l1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a0 = aie.objectfifo.subview.access %a0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a0, %b, %acc_3_2, %w0) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_0(Consume, 1)
          %a1_v = aie.objectfifo.acquire @a_l1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a1 = aie.objectfifo.subview.access %a1_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a1, %b, %acc_3_2, %w1) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_0(Consume, 1)
          aie.objectfifo.release @b_l1_3(Consume, 1)
        }
        scf.for %p = %c0 to %plain step %c1 {
          %part = arith.index_cast %p : index to i32
          %c_v = aie.objectfifo.acquire @c_l1_3_2(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          scf.index_switch %result
          case 1 {
            func.call @npu_gemm_finish_s32(%job_3_2, %acc_3_2, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          case 2 {
            func.call @npu_gemm_finish_gelu(%job_3_2, %lut_ab_3_2, %lut_cd_3_2, %acc_3_2, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          default {
            func.call @npu_gemm_finish_s16(%job_3_2, %acc_3_2, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          aie.objectfifo.release @c_l1_3_2(Produce, 1)
        }
        scf.for %q = %c0 to %operands step %c1 {
          %x_v = aie.objectfifo.acquire @a_l1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %x = aie.objectfifo.subview.access %x_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %from = arith.cmpi sge, %q, %c12 : index
          %below = arith.cmpi slt, %q, %c16 : index
          %own = arith.andi %from, %below : i1
          scf.if %own {
            %row = arith.subi %q, %c12 : index
            %part = arith.index_cast %row : index to i32
            %c_v = aie.objectfifo.acquire @c_l1_3_2(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            scf.index_switch %result
            case 4 {
              func.call @npu_gemm_finish_stem(%job_3_2, %lut_ab_3_2, %lut_cd_3_2, %acc_3_2, %x, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            default {
              func.call @npu_gemm_finish_residual(%job_3_2, %acc_3_2, %x, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            aie.objectfifo.release @c_l1_3_2(Produce, 1)
          }
          aie.objectfifo.release @a_l1_0(Consume, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    %acc_3_3 = aie.buffer(%t3_3) {sym_name = "acc_3_3"} : memref<64x64xi32>
    %job_3_3 = aie.buffer(%t3_3) {sym_name = "job_3_3"} : memref<1024xi32>
    %lut_ab_3_3 = aie.buffer(%t3_3) {sym_name = "lut_ab_3_3"} : memref<2048xi16>
    %lut_cd_3_3 = aie.buffer(%t3_3) {sym_name = "lut_cd_3_3"} : memref<2048xi16>
    %core_3_3 = aie.core(%t3_3) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c4 = arith.constant 4 : index
      %c12 = arith.constant 12 : index
      %c16 = arith.constant 16 : index
      %cmax = arith.constant 9223372036854775807 : index
      %w0 = arith.constant 0 : i32
      %w1 = arith.constant 1 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        %object_v = aie.objectfifo.acquire @b_l1_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %object = aie.objectfifo.subview.access %object_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_job_begin(%object, %job_3_3, %lut_ab_3_3, %lut_cd_3_3) : (memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
        aie.objectfifo.release @b_l1_3(Consume, 1)
        %steps_w = memref.load %job_3_3[%c0] : memref<1024xi32>
        %steps = arith.index_cast %steps_w : i32 to index
        %plain_w = memref.load %job_3_3[%c1] : memref<1024xi32>
        %plain = arith.index_cast %plain_w : i32 to index
        %operands_w = memref.load %job_3_3[%c2] : memref<1024xi32>
        %operands = arith.index_cast %operands_w : i32 to index
        %result_w = memref.load %job_3_3[%c4] : memref<1024xi32>
        %result = arith.index_cast %result_w : i32 to index
        func.call @npu_gemm_begin_s32(%job_3_3, %acc_3_3) : (memref<1024xi32>, memref<64x64xi32>) -> ()
        scf.for %k = %c0 to %steps step %c1 {
          %b_v = aie.objectfifo.acquire @b_l1_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %b = aie.objectfifo.subview.access %b_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %a0_v = aie.objectfifo.acquire @a_l1_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a0 = aie.objectfifo.subview.access %a0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a0, %b, %acc_3_3, %w0) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_1(Consume, 1)
          %a1_v = aie.objectfifo.acquire @a_l1_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a1 = aie.objectfifo.subview.access %a1_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a1, %b, %acc_3_3, %w1) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_1(Consume, 1)
          aie.objectfifo.release @b_l1_3(Consume, 1)
        }
        scf.for %p = %c0 to %plain step %c1 {
          %part = arith.index_cast %p : index to i32
          %c_v = aie.objectfifo.acquire @c_l1_3_3(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          scf.index_switch %result
          case 1 {
            func.call @npu_gemm_finish_s32(%job_3_3, %acc_3_3, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          case 2 {
            func.call @npu_gemm_finish_gelu(%job_3_3, %lut_ab_3_3, %lut_cd_3_3, %acc_3_3, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          default {
            func.call @npu_gemm_finish_s16(%job_3_3, %acc_3_3, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          aie.objectfifo.release @c_l1_3_3(Produce, 1)
        }
        scf.for %q = %c0 to %operands step %c1 {
          %x_v = aie.objectfifo.acquire @a_l1_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %x = aie.objectfifo.subview.access %x_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %from = arith.cmpi sge, %q, %c12 : index
          %below = arith.cmpi slt, %q, %c16 : index
          %own = arith.andi %from, %below : i1
          scf.if %own {
            %row = arith.subi %q, %c12 : index
            %part = arith.index_cast %row : index to i32
            %c_v = aie.objectfifo.acquire @c_l1_3_3(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            scf.index_switch %result
            case 4 {
              func.call @npu_gemm_finish_stem(%job_3_3, %lut_ab_3_3, %lut_cd_3_3, %acc_3_3, %x, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            default {
              func.call @npu_gemm_finish_residual(%job_3_3, %acc_3_3, %x, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            aie.objectfifo.release @c_l1_3_3(Produce, 1)
          }
          aie.objectfifo.release @a_l1_1(Consume, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    %acc_3_4 = aie.buffer(%t3_4) {sym_name = "acc_3_4"} : memref<64x64xi32>
    %job_3_4 = aie.buffer(%t3_4) {sym_name = "job_3_4"} : memref<1024xi32>
    %lut_ab_3_4 = aie.buffer(%t3_4) {sym_name = "lut_ab_3_4"} : memref<2048xi16>
    %lut_cd_3_4 = aie.buffer(%t3_4) {sym_name = "lut_cd_3_4"} : memref<2048xi16>
    %core_3_4 = aie.core(%t3_4) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c4 = arith.constant 4 : index
      %c12 = arith.constant 12 : index
      %c16 = arith.constant 16 : index
      %cmax = arith.constant 9223372036854775807 : index
      %w0 = arith.constant 0 : i32
      %w1 = arith.constant 1 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        %object_v = aie.objectfifo.acquire @b_l1_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %object = aie.objectfifo.subview.access %object_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_job_begin(%object, %job_3_4, %lut_ab_3_4, %lut_cd_3_4) : (memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
        aie.objectfifo.release @b_l1_3(Consume, 1)
        %steps_w = memref.load %job_3_4[%c0] : memref<1024xi32>
        %steps = arith.index_cast %steps_w : i32 to index
        %plain_w = memref.load %job_3_4[%c1] : memref<1024xi32>
        %plain = arith.index_cast %plain_w : i32 to index
        %operands_w = memref.load %job_3_4[%c2] : memref<1024xi32>
        %operands = arith.index_cast %operands_w : i32 to index
        %result_w = memref.load %job_3_4[%c4] : memref<1024xi32>
        %result = arith.index_cast %result_w : i32 to index
        func.call @npu_gemm_begin_s32(%job_3_4, %acc_3_4) : (memref<1024xi32>, memref<64x64xi32>) -> ()
        scf.for %k = %c0 to %steps step %c1 {
          %b_v = aie.objectfifo.acquire @b_l1_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %b = aie.objectfifo.subview.access %b_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %a0_v = aie.objectfifo.acquire @a_l1_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a0 = aie.objectfifo.subview.access %a0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a0, %b, %acc_3_4, %w0) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_2(Consume, 1)
          %a1_v = aie.objectfifo.acquire @a_l1_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a1 = aie.objectfifo.subview.access %a1_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a1, %b, %acc_3_4, %w1) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_2(Consume, 1)
          aie.objectfifo.release @b_l1_3(Consume, 1)
        }
        scf.for %p = %c0 to %plain step %c1 {
          %part = arith.index_cast %p : index to i32
          %c_v = aie.objectfifo.acquire @c_l1_3_4(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          scf.index_switch %result
          case 1 {
            func.call @npu_gemm_finish_s32(%job_3_4, %acc_3_4, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          case 2 {
            func.call @npu_gemm_finish_gelu(%job_3_4, %lut_ab_3_4, %lut_cd_3_4, %acc_3_4, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          default {
            func.call @npu_gemm_finish_s16(%job_3_4, %acc_3_4, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          aie.objectfifo.release @c_l1_3_4(Produce, 1)
        }
        scf.for %q = %c0 to %operands step %c1 {
          %x_v = aie.objectfifo.acquire @a_l1_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %x = aie.objectfifo.subview.access %x_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %from = arith.cmpi sge, %q, %c12 : index
          %below = arith.cmpi slt, %q, %c16 : index
          %own = arith.andi %from, %below : i1
          scf.if %own {
            %row = arith.subi %q, %c12 : index
            %part = arith.index_cast %row : index to i32
            %c_v = aie.objectfifo.acquire @c_l1_3_4(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            scf.index_switch %result
            case 4 {
              func.call @npu_gemm_finish_stem(%job_3_4, %lut_ab_3_4, %lut_cd_3_4, %acc_3_4, %x, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            default {
              func.call @npu_gemm_finish_residual(%job_3_4, %acc_3_4, %x, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            aie.objectfifo.release @c_l1_3_4(Produce, 1)
          }
          aie.objectfifo.release @a_l1_2(Consume, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    %acc_3_5 = aie.buffer(%t3_5) {sym_name = "acc_3_5"} : memref<64x64xi32>
    %job_3_5 = aie.buffer(%t3_5) {sym_name = "job_3_5"} : memref<1024xi32>
    %lut_ab_3_5 = aie.buffer(%t3_5) {sym_name = "lut_ab_3_5"} : memref<2048xi16>
    %lut_cd_3_5 = aie.buffer(%t3_5) {sym_name = "lut_cd_3_5"} : memref<2048xi16>
    %core_3_5 = aie.core(%t3_5) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c4 = arith.constant 4 : index
      %c12 = arith.constant 12 : index
      %c16 = arith.constant 16 : index
      %cmax = arith.constant 9223372036854775807 : index
      %w0 = arith.constant 0 : i32
      %w1 = arith.constant 1 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        %object_v = aie.objectfifo.acquire @b_l1_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %object = aie.objectfifo.subview.access %object_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_job_begin(%object, %job_3_5, %lut_ab_3_5, %lut_cd_3_5) : (memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
        aie.objectfifo.release @b_l1_3(Consume, 1)
        %steps_w = memref.load %job_3_5[%c0] : memref<1024xi32>
        %steps = arith.index_cast %steps_w : i32 to index
        %plain_w = memref.load %job_3_5[%c1] : memref<1024xi32>
        %plain = arith.index_cast %plain_w : i32 to index
        %operands_w = memref.load %job_3_5[%c2] : memref<1024xi32>
        %operands = arith.index_cast %operands_w : i32 to index
        %result_w = memref.load %job_3_5[%c4] : memref<1024xi32>
        %result = arith.index_cast %result_w : i32 to index
        func.call @npu_gemm_begin_s32(%job_3_5, %acc_3_5) : (memref<1024xi32>, memref<64x64xi32>) -> ()
        scf.for %k = %c0 to %steps step %c1 {
          %b_v = aie.objectfifo.acquire @b_l1_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %b = aie.objectfifo.subview.access %b_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %a0_v = aie.objectfifo.acquire @a_l1_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a0 = aie.objectfifo.subview.access %a0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a0, %b, %acc_3_5, %w0) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_3(Consume, 1)
          %a1_v = aie.objectfifo.acquire @a_l1_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a1 = aie.objectfifo.subview.access %a1_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a1, %b, %acc_3_5, %w1) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a_l1_3(Consume, 1)
          aie.objectfifo.release @b_l1_3(Consume, 1)
        }
        scf.for %p = %c0 to %plain step %c1 {
          %part = arith.index_cast %p : index to i32
          %c_v = aie.objectfifo.acquire @c_l1_3_5(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          scf.index_switch %result
          case 1 {
            func.call @npu_gemm_finish_s32(%job_3_5, %acc_3_5, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          case 2 {
            func.call @npu_gemm_finish_gelu(%job_3_5, %lut_ab_3_5, %lut_cd_3_5, %acc_3_5, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          default {
            func.call @npu_gemm_finish_s16(%job_3_5, %acc_3_5, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          aie.objectfifo.release @c_l1_3_5(Produce, 1)
        }
        scf.for %q = %c0 to %operands step %c1 {
          %x_v = aie.objectfifo.acquire @a_l1_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %x = aie.objectfifo.subview.access %x_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %from = arith.cmpi sge, %q, %c12 : index
          %below = arith.cmpi slt, %q, %c16 : index
          %own = arith.andi %from, %below : i1
          scf.if %own {
            %row = arith.subi %q, %c12 : index
            %part = arith.index_cast %row : index to i32
            %c_v = aie.objectfifo.acquire @c_l1_3_5(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            scf.index_switch %result
            case 4 {
              func.call @npu_gemm_finish_stem(%job_3_5, %lut_ab_3_5, %lut_cd_3_5, %acc_3_5, %x, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            default {
              func.call @npu_gemm_finish_residual(%job_3_5, %acc_3_5, %x, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
              scf.yield
            }
            aie.objectfifo.release @c_l1_3_5(Produce, 1)
          }
          aie.objectfifo.release @a_l1_3(Consume, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    // One job on every core: 256 positions x 256 channels, K = 512, result s16 or GELU. Row r's A16
    // objects are part r of %a, column c's job and weights part c of %b; part c of %c are column c's
    // results.
    aie.runtime_sequence @sequence(%a: memref<262144xi8>, %b: memref<147456xi8>, %c: memref<131072xi8>) {
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 0][1, 1, 1, 32768][0, 0, 0, 1]) {metadata = @c_l2_0, id = 0 : i64, issue_token = true} : memref<131072xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 0][1, 1, 1, 65536][0, 0, 0, 1]) {metadata = @a_l2_0, id = 1 : i64} : memref<262144xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][1, 1, 1, 36864][0, 0, 0, 1]) {metadata = @b_l2_0, id = 2 : i64} : memref<147456xi8>
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 32768][1, 1, 1, 32768][0, 0, 0, 1]) {metadata = @c_l2_1, id = 0 : i64, issue_token = true} : memref<131072xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 65536][1, 1, 1, 65536][0, 0, 0, 1]) {metadata = @a_l2_1, id = 1 : i64} : memref<262144xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 36864][1, 1, 1, 36864][0, 0, 0, 1]) {metadata = @b_l2_1, id = 2 : i64} : memref<147456xi8>
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 65536][1, 1, 1, 32768][0, 0, 0, 1]) {metadata = @c_l2_2, id = 0 : i64, issue_token = true} : memref<131072xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 131072][1, 1, 1, 65536][0, 0, 0, 1]) {metadata = @a_l2_2, id = 1 : i64} : memref<262144xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 73728][1, 1, 1, 36864][0, 0, 0, 1]) {metadata = @b_l2_2, id = 2 : i64} : memref<147456xi8>
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 98304][1, 1, 1, 32768][0, 0, 0, 1]) {metadata = @c_l2_3, id = 0 : i64, issue_token = true} : memref<131072xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 196608][1, 1, 1, 65536][0, 0, 0, 1]) {metadata = @a_l2_3, id = 1 : i64} : memref<262144xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 110592][1, 1, 1, 36864][0, 0, 0, 1]) {metadata = @b_l2_3, id = 2 : i64} : memref<147456xi8>
      aiex.npu.dma_wait {symbol = @c_l2_0}
      aiex.npu.dma_wait {symbol = @c_l2_1}
      aiex.npu.dma_wait {symbol = @c_l2_2}
      aiex.npu.dma_wait {symbol = @c_l2_3}
    }

    // The same with the residual stream: 16 R32 follow row r's 16 A16, 4 for each column.
    aie.runtime_sequence @out(%a: memref<524288xi8>, %b: memref<147456xi8>, %c: memref<262144xi8>) {
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 0][1, 1, 1, 65536][0, 0, 0, 1]) {metadata = @c_l2_0, id = 0 : i64, issue_token = true} : memref<262144xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 0][1, 1, 1, 131072][0, 0, 0, 1]) {metadata = @a_l2_0, id = 1 : i64} : memref<524288xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][1, 1, 1, 36864][0, 0, 0, 1]) {metadata = @b_l2_0, id = 2 : i64} : memref<147456xi8>
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 65536][1, 1, 1, 65536][0, 0, 0, 1]) {metadata = @c_l2_1, id = 0 : i64, issue_token = true} : memref<262144xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 131072][1, 1, 1, 131072][0, 0, 0, 1]) {metadata = @a_l2_1, id = 1 : i64} : memref<524288xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 36864][1, 1, 1, 36864][0, 0, 0, 1]) {metadata = @b_l2_1, id = 2 : i64} : memref<147456xi8>
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 131072][1, 1, 1, 65536][0, 0, 0, 1]) {metadata = @c_l2_2, id = 0 : i64, issue_token = true} : memref<262144xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 262144][1, 1, 1, 131072][0, 0, 0, 1]) {metadata = @a_l2_2, id = 1 : i64} : memref<524288xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 73728][1, 1, 1, 36864][0, 0, 0, 1]) {metadata = @b_l2_2, id = 2 : i64} : memref<147456xi8>
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 196608][1, 1, 1, 65536][0, 0, 0, 1]) {metadata = @c_l2_3, id = 0 : i64, issue_token = true} : memref<262144xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 393216][1, 1, 1, 131072][0, 0, 0, 1]) {metadata = @a_l2_3, id = 1 : i64} : memref<524288xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 110592][1, 1, 1, 36864][0, 0, 0, 1]) {metadata = @b_l2_3, id = 2 : i64} : memref<147456xi8>
      aiex.npu.dma_wait {symbol = @c_l2_0}
      aiex.npu.dma_wait {symbol = @c_l2_1}
      aiex.npu.dma_wait {symbol = @c_l2_2}
      aiex.npu.dma_wait {symbol = @c_l2_3}
    }

    // FC1 with GELU of Whisper base for a whole window: 1536 positions x 2048 channels, K = 512. For
    // each of 6 groups of 256 positions all 8 jobs of a column; the group's activations are sent 8
    // times. %a: [group][row] of 16 A16; %b: [column][job] of a parameter object and 8 B8; %c:
    // [column][group][job][2] of 4 objects, one a row. Every transfer is awaited before its descriptor
    // is written again.
    aie.runtime_sequence @fc1(%a: memref<1572864xi8>, %b: memref<1179648xi8>, %c: memref<6291456xi8>) {
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 0][1, 1, 1, 262144][0, 0, 0, 1]) {metadata = @c_l2_0, id = 0 : i64, issue_token = true} : memref<6291456xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 0][8, 1, 1, 65536][0, 0, 0, 1]) {metadata = @a_l2_0, id = 1 : i64, issue_token = true} : memref<1572864xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][1, 1, 1, 294912][0, 0, 0, 1]) {metadata = @b_l2_0, id = 2 : i64, issue_token = true} : memref<1179648xi8>
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 1572864][1, 1, 1, 262144][0, 0, 0, 1]) {metadata = @c_l2_1, id = 0 : i64, issue_token = true} : memref<6291456xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 65536][8, 1, 1, 65536][0, 0, 0, 1]) {metadata = @a_l2_1, id = 1 : i64, issue_token = true} : memref<1572864xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 294912][1, 1, 1, 294912][0, 0, 0, 1]) {metadata = @b_l2_1, id = 2 : i64, issue_token = true} : memref<1179648xi8>
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 3145728][1, 1, 1, 262144][0, 0, 0, 1]) {metadata = @c_l2_2, id = 0 : i64, issue_token = true} : memref<6291456xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 131072][8, 1, 1, 65536][0, 0, 0, 1]) {metadata = @a_l2_2, id = 1 : i64, issue_token = true} : memref<1572864xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 589824][1, 1, 1, 294912][0, 0, 0, 1]) {metadata = @b_l2_2, id = 2 : i64, issue_token = true} : memref<1179648xi8>
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 4718592][1, 1, 1, 262144][0, 0, 0, 1]) {metadata = @c_l2_3, id = 0 : i64, issue_token = true} : memref<6291456xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 196608][8, 1, 1, 65536][0, 0, 0, 1]) {metadata = @a_l2_3, id = 1 : i64, issue_token = true} : memref<1572864xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 884736][1, 1, 1, 294912][0, 0, 0, 1]) {metadata = @b_l2_3, id = 2 : i64, issue_token = true} : memref<1179648xi8>
      aiex.npu.dma_wait {symbol = @a_l2_0}
      aiex.npu.dma_wait {symbol = @b_l2_0}
      aiex.npu.dma_wait {symbol = @c_l2_0}
      aiex.npu.dma_wait {symbol = @a_l2_1}
      aiex.npu.dma_wait {symbol = @b_l2_1}
      aiex.npu.dma_wait {symbol = @c_l2_1}
      aiex.npu.dma_wait {symbol = @a_l2_2}
      aiex.npu.dma_wait {symbol = @b_l2_2}
      aiex.npu.dma_wait {symbol = @c_l2_2}
      aiex.npu.dma_wait {symbol = @a_l2_3}
      aiex.npu.dma_wait {symbol = @b_l2_3}
      aiex.npu.dma_wait {symbol = @c_l2_3}
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 262144][1, 1, 1, 262144][0, 0, 0, 1]) {metadata = @c_l2_0, id = 0 : i64, issue_token = true} : memref<6291456xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 262144][8, 1, 1, 65536][0, 0, 0, 1]) {metadata = @a_l2_0, id = 1 : i64, issue_token = true} : memref<1572864xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][1, 1, 1, 294912][0, 0, 0, 1]) {metadata = @b_l2_0, id = 2 : i64, issue_token = true} : memref<1179648xi8>
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 1835008][1, 1, 1, 262144][0, 0, 0, 1]) {metadata = @c_l2_1, id = 0 : i64, issue_token = true} : memref<6291456xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 327680][8, 1, 1, 65536][0, 0, 0, 1]) {metadata = @a_l2_1, id = 1 : i64, issue_token = true} : memref<1572864xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 294912][1, 1, 1, 294912][0, 0, 0, 1]) {metadata = @b_l2_1, id = 2 : i64, issue_token = true} : memref<1179648xi8>
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 3407872][1, 1, 1, 262144][0, 0, 0, 1]) {metadata = @c_l2_2, id = 0 : i64, issue_token = true} : memref<6291456xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 393216][8, 1, 1, 65536][0, 0, 0, 1]) {metadata = @a_l2_2, id = 1 : i64, issue_token = true} : memref<1572864xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 589824][1, 1, 1, 294912][0, 0, 0, 1]) {metadata = @b_l2_2, id = 2 : i64, issue_token = true} : memref<1179648xi8>
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 4980736][1, 1, 1, 262144][0, 0, 0, 1]) {metadata = @c_l2_3, id = 0 : i64, issue_token = true} : memref<6291456xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 458752][8, 1, 1, 65536][0, 0, 0, 1]) {metadata = @a_l2_3, id = 1 : i64, issue_token = true} : memref<1572864xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 884736][1, 1, 1, 294912][0, 0, 0, 1]) {metadata = @b_l2_3, id = 2 : i64, issue_token = true} : memref<1179648xi8>
      aiex.npu.dma_wait {symbol = @a_l2_0}
      aiex.npu.dma_wait {symbol = @b_l2_0}
      aiex.npu.dma_wait {symbol = @c_l2_0}
      aiex.npu.dma_wait {symbol = @a_l2_1}
      aiex.npu.dma_wait {symbol = @b_l2_1}
      aiex.npu.dma_wait {symbol = @c_l2_1}
      aiex.npu.dma_wait {symbol = @a_l2_2}
      aiex.npu.dma_wait {symbol = @b_l2_2}
      aiex.npu.dma_wait {symbol = @c_l2_2}
      aiex.npu.dma_wait {symbol = @a_l2_3}
      aiex.npu.dma_wait {symbol = @b_l2_3}
      aiex.npu.dma_wait {symbol = @c_l2_3}
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 524288][1, 1, 1, 262144][0, 0, 0, 1]) {metadata = @c_l2_0, id = 0 : i64, issue_token = true} : memref<6291456xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 524288][8, 1, 1, 65536][0, 0, 0, 1]) {metadata = @a_l2_0, id = 1 : i64, issue_token = true} : memref<1572864xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][1, 1, 1, 294912][0, 0, 0, 1]) {metadata = @b_l2_0, id = 2 : i64, issue_token = true} : memref<1179648xi8>
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 2097152][1, 1, 1, 262144][0, 0, 0, 1]) {metadata = @c_l2_1, id = 0 : i64, issue_token = true} : memref<6291456xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 589824][8, 1, 1, 65536][0, 0, 0, 1]) {metadata = @a_l2_1, id = 1 : i64, issue_token = true} : memref<1572864xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 294912][1, 1, 1, 294912][0, 0, 0, 1]) {metadata = @b_l2_1, id = 2 : i64, issue_token = true} : memref<1179648xi8>
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 3670016][1, 1, 1, 262144][0, 0, 0, 1]) {metadata = @c_l2_2, id = 0 : i64, issue_token = true} : memref<6291456xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 655360][8, 1, 1, 65536][0, 0, 0, 1]) {metadata = @a_l2_2, id = 1 : i64, issue_token = true} : memref<1572864xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 589824][1, 1, 1, 294912][0, 0, 0, 1]) {metadata = @b_l2_2, id = 2 : i64, issue_token = true} : memref<1179648xi8>
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 5242880][1, 1, 1, 262144][0, 0, 0, 1]) {metadata = @c_l2_3, id = 0 : i64, issue_token = true} : memref<6291456xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 720896][8, 1, 1, 65536][0, 0, 0, 1]) {metadata = @a_l2_3, id = 1 : i64, issue_token = true} : memref<1572864xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 884736][1, 1, 1, 294912][0, 0, 0, 1]) {metadata = @b_l2_3, id = 2 : i64, issue_token = true} : memref<1179648xi8>
      aiex.npu.dma_wait {symbol = @a_l2_0}
      aiex.npu.dma_wait {symbol = @b_l2_0}
      aiex.npu.dma_wait {symbol = @c_l2_0}
      aiex.npu.dma_wait {symbol = @a_l2_1}
      aiex.npu.dma_wait {symbol = @b_l2_1}
      aiex.npu.dma_wait {symbol = @c_l2_1}
      aiex.npu.dma_wait {symbol = @a_l2_2}
      aiex.npu.dma_wait {symbol = @b_l2_2}
      aiex.npu.dma_wait {symbol = @c_l2_2}
      aiex.npu.dma_wait {symbol = @a_l2_3}
      aiex.npu.dma_wait {symbol = @b_l2_3}
      aiex.npu.dma_wait {symbol = @c_l2_3}
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 786432][1, 1, 1, 262144][0, 0, 0, 1]) {metadata = @c_l2_0, id = 0 : i64, issue_token = true} : memref<6291456xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 786432][8, 1, 1, 65536][0, 0, 0, 1]) {metadata = @a_l2_0, id = 1 : i64, issue_token = true} : memref<1572864xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][1, 1, 1, 294912][0, 0, 0, 1]) {metadata = @b_l2_0, id = 2 : i64, issue_token = true} : memref<1179648xi8>
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 2359296][1, 1, 1, 262144][0, 0, 0, 1]) {metadata = @c_l2_1, id = 0 : i64, issue_token = true} : memref<6291456xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 851968][8, 1, 1, 65536][0, 0, 0, 1]) {metadata = @a_l2_1, id = 1 : i64, issue_token = true} : memref<1572864xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 294912][1, 1, 1, 294912][0, 0, 0, 1]) {metadata = @b_l2_1, id = 2 : i64, issue_token = true} : memref<1179648xi8>
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 3932160][1, 1, 1, 262144][0, 0, 0, 1]) {metadata = @c_l2_2, id = 0 : i64, issue_token = true} : memref<6291456xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 917504][8, 1, 1, 65536][0, 0, 0, 1]) {metadata = @a_l2_2, id = 1 : i64, issue_token = true} : memref<1572864xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 589824][1, 1, 1, 294912][0, 0, 0, 1]) {metadata = @b_l2_2, id = 2 : i64, issue_token = true} : memref<1179648xi8>
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 5505024][1, 1, 1, 262144][0, 0, 0, 1]) {metadata = @c_l2_3, id = 0 : i64, issue_token = true} : memref<6291456xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 983040][8, 1, 1, 65536][0, 0, 0, 1]) {metadata = @a_l2_3, id = 1 : i64, issue_token = true} : memref<1572864xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 884736][1, 1, 1, 294912][0, 0, 0, 1]) {metadata = @b_l2_3, id = 2 : i64, issue_token = true} : memref<1179648xi8>
      aiex.npu.dma_wait {symbol = @a_l2_0}
      aiex.npu.dma_wait {symbol = @b_l2_0}
      aiex.npu.dma_wait {symbol = @c_l2_0}
      aiex.npu.dma_wait {symbol = @a_l2_1}
      aiex.npu.dma_wait {symbol = @b_l2_1}
      aiex.npu.dma_wait {symbol = @c_l2_1}
      aiex.npu.dma_wait {symbol = @a_l2_2}
      aiex.npu.dma_wait {symbol = @b_l2_2}
      aiex.npu.dma_wait {symbol = @c_l2_2}
      aiex.npu.dma_wait {symbol = @a_l2_3}
      aiex.npu.dma_wait {symbol = @b_l2_3}
      aiex.npu.dma_wait {symbol = @c_l2_3}
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 1048576][1, 1, 1, 262144][0, 0, 0, 1]) {metadata = @c_l2_0, id = 0 : i64, issue_token = true} : memref<6291456xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 1048576][8, 1, 1, 65536][0, 0, 0, 1]) {metadata = @a_l2_0, id = 1 : i64, issue_token = true} : memref<1572864xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][1, 1, 1, 294912][0, 0, 0, 1]) {metadata = @b_l2_0, id = 2 : i64, issue_token = true} : memref<1179648xi8>
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 2621440][1, 1, 1, 262144][0, 0, 0, 1]) {metadata = @c_l2_1, id = 0 : i64, issue_token = true} : memref<6291456xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 1114112][8, 1, 1, 65536][0, 0, 0, 1]) {metadata = @a_l2_1, id = 1 : i64, issue_token = true} : memref<1572864xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 294912][1, 1, 1, 294912][0, 0, 0, 1]) {metadata = @b_l2_1, id = 2 : i64, issue_token = true} : memref<1179648xi8>
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 4194304][1, 1, 1, 262144][0, 0, 0, 1]) {metadata = @c_l2_2, id = 0 : i64, issue_token = true} : memref<6291456xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 1179648][8, 1, 1, 65536][0, 0, 0, 1]) {metadata = @a_l2_2, id = 1 : i64, issue_token = true} : memref<1572864xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 589824][1, 1, 1, 294912][0, 0, 0, 1]) {metadata = @b_l2_2, id = 2 : i64, issue_token = true} : memref<1179648xi8>
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 5767168][1, 1, 1, 262144][0, 0, 0, 1]) {metadata = @c_l2_3, id = 0 : i64, issue_token = true} : memref<6291456xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 1245184][8, 1, 1, 65536][0, 0, 0, 1]) {metadata = @a_l2_3, id = 1 : i64, issue_token = true} : memref<1572864xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 884736][1, 1, 1, 294912][0, 0, 0, 1]) {metadata = @b_l2_3, id = 2 : i64, issue_token = true} : memref<1179648xi8>
      aiex.npu.dma_wait {symbol = @a_l2_0}
      aiex.npu.dma_wait {symbol = @b_l2_0}
      aiex.npu.dma_wait {symbol = @c_l2_0}
      aiex.npu.dma_wait {symbol = @a_l2_1}
      aiex.npu.dma_wait {symbol = @b_l2_1}
      aiex.npu.dma_wait {symbol = @c_l2_1}
      aiex.npu.dma_wait {symbol = @a_l2_2}
      aiex.npu.dma_wait {symbol = @b_l2_2}
      aiex.npu.dma_wait {symbol = @c_l2_2}
      aiex.npu.dma_wait {symbol = @a_l2_3}
      aiex.npu.dma_wait {symbol = @b_l2_3}
      aiex.npu.dma_wait {symbol = @c_l2_3}
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 1310720][1, 1, 1, 262144][0, 0, 0, 1]) {metadata = @c_l2_0, id = 0 : i64, issue_token = true} : memref<6291456xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 1310720][8, 1, 1, 65536][0, 0, 0, 1]) {metadata = @a_l2_0, id = 1 : i64, issue_token = true} : memref<1572864xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][1, 1, 1, 294912][0, 0, 0, 1]) {metadata = @b_l2_0, id = 2 : i64, issue_token = true} : memref<1179648xi8>
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 2883584][1, 1, 1, 262144][0, 0, 0, 1]) {metadata = @c_l2_1, id = 0 : i64, issue_token = true} : memref<6291456xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 1376256][8, 1, 1, 65536][0, 0, 0, 1]) {metadata = @a_l2_1, id = 1 : i64, issue_token = true} : memref<1572864xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 294912][1, 1, 1, 294912][0, 0, 0, 1]) {metadata = @b_l2_1, id = 2 : i64, issue_token = true} : memref<1179648xi8>
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 4456448][1, 1, 1, 262144][0, 0, 0, 1]) {metadata = @c_l2_2, id = 0 : i64, issue_token = true} : memref<6291456xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 1441792][8, 1, 1, 65536][0, 0, 0, 1]) {metadata = @a_l2_2, id = 1 : i64, issue_token = true} : memref<1572864xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 589824][1, 1, 1, 294912][0, 0, 0, 1]) {metadata = @b_l2_2, id = 2 : i64, issue_token = true} : memref<1179648xi8>
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 6029312][1, 1, 1, 262144][0, 0, 0, 1]) {metadata = @c_l2_3, id = 0 : i64, issue_token = true} : memref<6291456xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 1507328][8, 1, 1, 65536][0, 0, 0, 1]) {metadata = @a_l2_3, id = 1 : i64, issue_token = true} : memref<1572864xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 884736][1, 1, 1, 294912][0, 0, 0, 1]) {metadata = @b_l2_3, id = 2 : i64, issue_token = true} : memref<1179648xi8>
      aiex.npu.dma_wait {symbol = @a_l2_0}
      aiex.npu.dma_wait {symbol = @b_l2_0}
      aiex.npu.dma_wait {symbol = @c_l2_0}
      aiex.npu.dma_wait {symbol = @a_l2_1}
      aiex.npu.dma_wait {symbol = @b_l2_1}
      aiex.npu.dma_wait {symbol = @c_l2_1}
      aiex.npu.dma_wait {symbol = @a_l2_2}
      aiex.npu.dma_wait {symbol = @b_l2_2}
      aiex.npu.dma_wait {symbol = @c_l2_2}
      aiex.npu.dma_wait {symbol = @a_l2_3}
      aiex.npu.dma_wait {symbol = @b_l2_3}
      aiex.npu.dma_wait {symbol = @c_l2_3}
    }
  }
}
