// SPDX-License-Identifier: LGPL-2.1-or-later
// One core, GEMM s16 x s16 -> acc64: the stem's first convolution and layer 0's projections.
// Contracts, layouts and the parameter object: kernels/aie2/aie2.h. Text: mlir-aie 5ff2ab97d.
//
//   shim (0,0) MM2S 0 --- @a ---> S2MM 0 core (0,2)   A16: 64 rows x 32 k
//              MM2S 1 --- @b ---> S2MM 1              parameter objects, then B16: 32 k x 64 n
//              S2MM 0 <-- @c ---- MM2S 0              results, one object at a time
//
// A job: 1 parameter object and count[0] objects B16 on @b, count[0] objects A16 on @a; count[1]
// objects on @c: 2 A16 for result s16, 4 R32 for s32. The 64-bit sums take 32 KiB, more than a bank,
// so the compiler places this tile's buffers one after the other; @c has one object, or nothing
// would be left for the kernel's constants.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %tile = aie.tile(0, 2)

    aie.objectfifo @a(%shim, {%tile}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @b(%shim, {%tile}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @c(%tile, {%shim}, [1, 2]) : !aie.objectfifo<memref<4096xi8>>

    %acc = aie.buffer(%tile) {sym_name = "acc"} : memref<64x64xi64>
    %job = aie.buffer(%tile) {sym_name = "job"} : memref<1024xi32>

    // No job here asks for look-up tables: their places may be any pointers.
    func.func private @npu_job_begin(memref<4096xi8>, memref<1024xi32>, memref<1024xi32>, memref<1024xi32>) -> ()
    func.func private @npu_gemm_begin_s64(memref<1024xi32>, memref<64x64xi64>) -> ()
    func.func private @npu_gemm_step_s16s16(memref<4096xi8>, memref<4096xi8>, memref<64x64xi64>) -> ()
    func.func private @npu_gemm_narrow(memref<1024xi32>, memref<64x64xi64>) -> ()
    func.func private @npu_gemm_finish_s16(memref<1024xi32>, memref<64x64xi64>, memref<4096xi8>, i32) -> ()
    func.func private @npu_gemm_finish_s32(memref<1024xi32>, memref<64x64xi64>, memref<4096xi8>, i32) -> ()

    %core = aie.core(%tile) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %jv = aie.objectfifo.acquire @b(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %jo = aie.objectfifo.subview.access %jv[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_job_begin(%jo, %job, %job, %job) : (memref<4096xi8>, memref<1024xi32>, memref<1024xi32>, memref<1024xi32>) -> ()
        aie.objectfifo.release @b(Consume, 1)
        %n0 = memref.load %job[%c0] : memref<1024xi32>
        %n1 = memref.load %job[%c1] : memref<1024xi32>
        %kind = memref.load %job[%c4] : memref<1024xi32>
        %steps = arith.index_cast %n0 : i32 to index
        %parts = arith.index_cast %n1 : i32 to index
        %result = arith.index_cast %kind : i32 to index

        func.call @npu_gemm_begin_s64(%job, %acc) : (memref<1024xi32>, memref<64x64xi64>) -> ()
        scf.for %k = %c0 to %steps step %c1 {
          %av = aie.objectfifo.acquire @a(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a = aie.objectfifo.subview.access %av[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %bv = aie.objectfifo.acquire @b(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %b = aie.objectfifo.subview.access %bv[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s16(%a, %b, %acc) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi64>) -> ()
          aie.objectfifo.release @a(Consume, 1)
          aie.objectfifo.release @b(Consume, 1)
        }
        // From here on the first half of the sums' memory holds them in 32 bits.
        func.call @npu_gemm_narrow(%job, %acc) : (memref<1024xi32>, memref<64x64xi64>) -> ()
        scf.for %p = %c0 to %parts step %c1 {
          %part = arith.index_cast %p : index to i32
          %cv = aie.objectfifo.acquire @c(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %c = aie.objectfifo.subview.access %cv[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          scf.index_switch %result
          case 1 {
            func.call @npu_gemm_finish_s32(%job, %acc, %c, %part) : (memref<1024xi32>, memref<64x64xi64>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          default {
            func.call @npu_gemm_finish_s16(%job, %acc, %c, %part) : (memref<1024xi32>, memref<64x64xi64>, memref<4096xi8>, i32) -> ()
            scf.yield
          }
          aie.objectfifo.release @c(Produce, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 3072 : i32, link_with = "npu_core.o"}

    // Two jobs of K = 512: result s16, then s32.
    aie.runtime_sequence @sequence(%a: memref<131072xi8>, %b: memref<139264xi8>, %c: memref<24576xi8>) {
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 0][1, 1, 1, 24576][0, 0, 0, 1]) {metadata = @c, id = 0 : i64, issue_token = true} : memref<24576xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 0][1, 1, 1, 131072][0, 0, 0, 1]) {metadata = @a, id = 1 : i64} : memref<131072xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][1, 1, 1, 139264][0, 0, 0, 1]) {metadata = @b, id = 2 : i64} : memref<139264xi8>
      aiex.npu.dma_wait {symbol = @c}
    }
  }
}
