// SPDX-License-Identifier: LGPL-2.1-or-later
// One core, GEMM s16 x s8 -> acc32 with every epilogue of profile npu. Contracts, layouts and the
// parameter object: kernels/aie2/aie2.h. Text: mlir-aie 5ff2ab97d (March 2026).
//
//   shim (0,0) MM2S 0 --- @a ---> S2MM 0 core (0,2)   activations, operands of an epilogue
//              MM2S 1 --- @b ---> S2MM 1              parameter objects and weights
//              S2MM 0 <-- @c ---- MM2S 0              results
//
// A job on the streams, counts from its parameter object:
//   @b  1 parameter object, then count[0] objects B8 (64 k x 64 n)
//   @a  2 count[0] objects A16 (64 rows x 32 k), then count[2] operands (R32 or P16)
//   @c  count[1] + count[2] objects: 2 A16 for result s16 and GELU, 4 R32 for the others
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %tile = aie.tile(0, 2)

    aie.objectfifo @a(%shim, {%tile}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @b(%shim, {%tile}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @c(%tile, {%shim}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>

    %acc = aie.buffer(%tile) {sym_name = "acc"} : memref<64x64xi32>
    %job = aie.buffer(%tile) {sym_name = "job"} : memref<1024xi32>
    %lut_ab = aie.buffer(%tile) {sym_name = "lut_ab"} : memref<2048xi16>
    %lut_cd = aie.buffer(%tile) {sym_name = "lut_cd"} : memref<2048xi16>

    func.func private @npu_job_begin(memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
    func.func private @npu_gemm_begin_s32(memref<1024xi32>, memref<64x64xi32>) -> ()
    func.func private @npu_gemm_step_s16s8(memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
    func.func private @npu_gemm_finish_s16(memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
    func.func private @npu_gemm_finish_gelu(memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
    func.func private @npu_gemm_finish_s32(memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
    func.func private @npu_gemm_finish_residual(memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
    func.func private @npu_gemm_finish_stem(memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()

    %core = aie.core(%tile) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c4 = arith.constant 4 : index
      %cmax = arith.constant 9223372036854775807 : index
      %half0 = arith.constant 0 : i32
      %half1 = arith.constant 1 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        // The job: counts are read from the core's own copy.
        %jv = aie.objectfifo.acquire @b(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %jo = aie.objectfifo.subview.access %jv[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_job_begin(%jo, %job, %lut_ab, %lut_cd) : (memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
        aie.objectfifo.release @b(Consume, 1)
        %n0 = memref.load %job[%c0] : memref<1024xi32>
        %n1 = memref.load %job[%c1] : memref<1024xi32>
        %n2 = memref.load %job[%c2] : memref<1024xi32>
        %kind = memref.load %job[%c4] : memref<1024xi32>
        %steps = arith.index_cast %n0 : i32 to index
        %plain = arith.index_cast %n1 : i32 to index
        %operands = arith.index_cast %n2 : i32 to index
        %result = arith.index_cast %kind : i32 to index

        // Products: one B8 serves two A16.
        func.call @npu_gemm_begin_s32(%job, %acc) : (memref<1024xi32>, memref<64x64xi32>) -> ()
        scf.for %k = %c0 to %steps step %c1 {
          %bv = aie.objectfifo.acquire @b(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %b = aie.objectfifo.subview.access %bv[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %av0 = aie.objectfifo.acquire @a(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a0 = aie.objectfifo.subview.access %av0[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a0, %b, %acc, %half0) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a(Consume, 1)
          %av1 = aie.objectfifo.acquire @a(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a1 = aie.objectfifo.subview.access %av1[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a1, %b, %acc, %half1) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @a(Consume, 1)
          aie.objectfifo.release @b(Consume, 1)
        }

        // Results that need no operand. Only the call depends on the kind: acquires in two branches
        // of one operation would be miscompiled.
        scf.for %p = %c0 to %plain step %c1 {
          %part = arith.index_cast %p : index to i32
          %cv = aie.objectfifo.acquire @c(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %c = aie.objectfifo.subview.access %cv[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          scf.index_switch %result
          case 1 {
            func.call @npu_gemm_finish_s32(%job, %acc, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          case 2 {
            func.call @npu_gemm_finish_gelu(%job, %lut_ab, %lut_cd, %acc, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          default {
            func.call @npu_gemm_finish_s16(%job, %acc, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          aie.objectfifo.release @c(Produce, 1)
        }

        // Results with an operand each: the residual stream, or positions of the stem.
        scf.for %p = %c0 to %operands step %c1 {
          %part = arith.index_cast %p : index to i32
          %xv = aie.objectfifo.acquire @a(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %x = aie.objectfifo.subview.access %xv[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %cv = aie.objectfifo.acquire @c(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %c = aie.objectfifo.subview.access %cv[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          scf.index_switch %result
          case 4 {
            func.call @npu_gemm_finish_stem(%job, %lut_ab, %lut_cd, %acc, %x, %c, %part) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          default {
            func.call @npu_gemm_finish_residual(%job, %acc, %x, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          aie.objectfifo.release @a(Consume, 1)
          aie.objectfifo.release @c(Produce, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    // Five jobs of K = 512, one of each result: s16, s32, GELU, residual, stem.
    aie.runtime_sequence @sequence(%a: memref<360448xi8>, %b: memref<184320xi8>, %c: memref<65536xi8>) {
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 0][1, 1, 1, 65536][0, 0, 0, 1]) {metadata = @c, id = 0 : i64, issue_token = true} : memref<65536xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 0][1, 1, 1, 360448][0, 0, 0, 1]) {metadata = @a, id = 1 : i64} : memref<360448xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][1, 1, 1, 184320][0, 0, 0, 1]) {metadata = @b, id = 2 : i64} : memref<184320xi8>
      aiex.npu.dma_wait {symbol = @c}
    }

    // FC1 with GELU of Whisper base for 64 positions: 32 jobs of K = 512, 64 channels each. The
    // activations are sent again for every job.
    aie.runtime_sequence @fc1(%a: memref<65536xi8>, %b: memref<1179648xi8>, %c: memref<262144xi8>) {
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 0][1, 1, 1, 262144][0, 0, 0, 1]) {metadata = @c, id = 0 : i64, issue_token = true} : memref<262144xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 0][32, 1, 1, 65536][0, 0, 0, 1]) {metadata = @a, id = 1 : i64} : memref<65536xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][1, 1, 1, 1179648][0, 0, 0, 1]) {metadata = @b, id = 2 : i64} : memref<1179648xi8>
      aiex.npu.dma_wait {symbol = @c}
    }
  }
}
