// SPDX-License-Identifier: LGPL-2.1-or-later
// One core, C = A x B of 16 x 16: s8 x s8 -> s32, all three row-major in host memory. The mem tile cuts
// A into blocks of 4 x 8 and B into 8 x 8 on their way to the core, and puts C's blocks of 4 x 8 back
// into rows. Contract: npu_matmul_s8s8 in kernels/aie2/aie2.h. Text: mlir-aie 5ff2ab97d (March 2026).
//
//   shim (0,0) MM2S 0 -- @a_l2 --> S2MM 0 mem (0,1) MM2S 0 -- @a_l1 --> S2MM 0 core (0,2)
//              MM2S 1 -- @b_l2 --> S2MM 1           MM2S 1 -- @b_l1 --> S2MM 1
//              S2MM 0 <- @c_l2 --- MM2S 2           S2MM 2 <- @c_l1 --- MM2S 0
//
// Every trip count is constant, so plain static lowering does; dynamic is what all designs use.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %mem = aie.tile(0, 1)
    %tile = aie.tile(0, 2)

    aie.objectfifo @a_l2(%shim, {%mem}, [2, 2]) : !aie.objectfifo<memref<256xi8>>
    aie.objectfifo @b_l2(%shim, {%mem}, [2, 2]) : !aie.objectfifo<memref<256xi8>>
    aie.objectfifo @a_l1(%mem dimensionsToStream [<size = 4, stride = 64>, <size = 2, stride = 8>, <size = 4, stride = 16>, <size = 8, stride = 1>], {%tile}, [2, 2]) : !aie.objectfifo<memref<256xi8>>
    aie.objectfifo @b_l1(%mem dimensionsToStream [<size = 2, stride = 128>, <size = 2, stride = 8>, <size = 8, stride = 16>, <size = 8, stride = 1>], {%tile}, [2, 2]) : !aie.objectfifo<memref<256xi8>>
    aie.objectfifo @c_l1(%tile, {%mem}, [2, 2]) : !aie.objectfifo<memref<256xi32>>
    aie.objectfifo @c_l2(%mem dimensionsToStream [<size = 4, stride = 64>, <size = 4, stride = 8>, <size = 2, stride = 32>, <size = 8, stride = 1>], {%shim}, [2, 2]) : !aie.objectfifo<memref<256xi32>>
    aie.objectfifo.link [@a_l2] -> [@a_l1] ([] [])
    aie.objectfifo.link [@b_l2] -> [@b_l1] ([] [])
    aie.objectfifo.link [@c_l1] -> [@c_l2] ([] [])

    func.func private @npu_matmul_s8s8(memref<256xi8>, memref<256xi8>, memref<256xi32>, i32) -> ()

    %core = aie.core(%tile) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %cmax = arith.constant 9223372036854775807 : index
      %n = arith.constant 16 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        %av = aie.objectfifo.acquire @a_l1(Consume, 1) : !aie.objectfifosubview<memref<256xi8>>
        %a = aie.objectfifo.subview.access %av[0] : !aie.objectfifosubview<memref<256xi8>> -> memref<256xi8>
        %bv = aie.objectfifo.acquire @b_l1(Consume, 1) : !aie.objectfifosubview<memref<256xi8>>
        %b = aie.objectfifo.subview.access %bv[0] : !aie.objectfifosubview<memref<256xi8>> -> memref<256xi8>
        %cv = aie.objectfifo.acquire @c_l1(Produce, 1) : !aie.objectfifosubview<memref<256xi32>>
        %c = aie.objectfifo.subview.access %cv[0] : !aie.objectfifosubview<memref<256xi32>> -> memref<256xi32>
        func.call @npu_matmul_s8s8(%a, %b, %c, %n) : (memref<256xi8>, memref<256xi8>, memref<256xi32>, i32) -> ()
        aie.objectfifo.release @a_l1(Consume, 1)
        aie.objectfifo.release @b_l1(Consume, 1)
        aie.objectfifo.release @c_l1(Produce, 1)
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    // 32 products, one after the other.
    aie.runtime_sequence @sequence(%a: memref<8192xi8>, %b: memref<8192xi8>, %c: memref<8192xi32>) {
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 0][1, 1, 1, 8192][0, 0, 0, 1]) {metadata = @c_l2, id = 0 : i64, issue_token = true} : memref<8192xi32>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 0][1, 1, 1, 8192][0, 0, 0, 1]) {metadata = @a_l2, id = 1 : i64} : memref<8192xi8>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][1, 1, 1, 8192][0, 0, 0, 1]) {metadata = @b_l2, id = 2 : i64} : memref<8192xi8>
      aiex.npu.dma_wait {symbol = @c_l2}
    }
  }
}
