// SPDX-License-Identifier: LGPL-2.1-or-later
// Four cores, one a column, C = A x B: s8 x s8 -> s32, M x 256, K = 256, all columns at the same
// time; written by generate.py, do not edit. A is row-major in host memory, sent once: mem tile 0
// cuts it into blocks of 4 x 8 and broadcasts them to all cores. Column c makes channels 64 c to
// 64 c + 63 from its own weights and puts them in their place of the row-major C.
// Contracts, layouts and the parameter object: kernels/aie2/aie2.h. Text: mlir-aie 5ff2ab97d.
//
//   shim (0,0) MM2S 0 -- @a_l2 --> mem (0,1) MM2S 0 -- @a_l1 --> cores (0,2) (1,2) (2,2) (3,2)
//   shim (c,0) MM2S 1, else 0 -- @b_c --> core (c,2)
//              S2MM 0 <- @c_c --- core (c,2)
//
// A job: 1 parameter object and count[0] objects B88 on @b, count[0] objects A8 on @a, count[1]
// objects R32 on @c: 4.
module {
  aie.device(npu1) {
    %shim0 = aie.tile(0, 0)
    %shim1 = aie.tile(1, 0)
    %shim2 = aie.tile(2, 0)
    %shim3 = aie.tile(3, 0)
    %mem0 = aie.tile(0, 1)
    %t0 = aie.tile(0, 2)
    %t1 = aie.tile(1, 2)
    %t2 = aie.tile(2, 2)
    %t3 = aie.tile(3, 2)

    aie.objectfifo @a_l2(%shim0, {%mem0}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @a_l1(%mem0 dimensionsToStream [<size = 16, stride = 256>, <size = 8, stride = 8>, <size = 4, stride = 64>, <size = 8, stride = 1>], {%t0, %t1, %t2, %t3}, [2, 2, 2, 2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo.link [@a_l2] -> [@a_l1] ([] [])
    aie.objectfifo @b_0(%shim0, {%t0}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @c_0(%t0, {%shim0}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @b_1(%shim1, {%t1}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @c_1(%t1, {%shim1}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @b_2(%shim2, {%t2}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @c_2(%t2, {%shim2}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @b_3(%shim3, {%t3}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @c_3(%t3, {%shim3}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>

    // No job here asks for look-up tables: their places may be any pointers.
    func.func private @npu_job_begin(memref<4096xi8>, memref<1024xi32>, memref<1024xi32>, memref<1024xi32>) -> ()
    func.func private @npu_gemm_begin_s32(memref<1024xi32>, memref<64x64xi32>) -> ()
    func.func private @npu_gemm_step_s8s8(memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>) -> ()
    func.func private @npu_gemm_finish_s32(memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()

    %acc0 = aie.buffer(%t0) {sym_name = "acc0"} : memref<64x64xi32>
    %job0 = aie.buffer(%t0) {sym_name = "job0"} : memref<1024xi32>
    %core0 = aie.core(%t0) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %object_v = aie.objectfifo.acquire @b_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %object = aie.objectfifo.subview.access %object_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_job_begin(%object, %job0, %job0, %job0) : (memref<4096xi8>, memref<1024xi32>, memref<1024xi32>, memref<1024xi32>) -> ()
        aie.objectfifo.release @b_0(Consume, 1)
        %steps_w = memref.load %job0[%c0] : memref<1024xi32>
        %steps = arith.index_cast %steps_w : i32 to index
        %parts_w = memref.load %job0[%c1] : memref<1024xi32>
        %parts = arith.index_cast %parts_w : i32 to index
        func.call @npu_gemm_begin_s32(%job0, %acc0) : (memref<1024xi32>, memref<64x64xi32>) -> ()
        scf.for %k = %c0 to %steps step %c1 {
          %a_v = aie.objectfifo.acquire @a_l1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a = aie.objectfifo.subview.access %a_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %b_v = aie.objectfifo.acquire @b_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %b = aie.objectfifo.subview.access %b_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s8s8(%a, %b, %acc0) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>) -> ()
          aie.objectfifo.release @a_l1(Consume, 1)
          aie.objectfifo.release @b_0(Consume, 1)
        }
        scf.for %p = %c0 to %parts step %c1 {
          %part = arith.index_cast %p : index to i32
          %c_v = aie.objectfifo.acquire @c_0(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_finish_s32(%job0, %acc0, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
          aie.objectfifo.release @c_0(Produce, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    %acc1 = aie.buffer(%t1) {sym_name = "acc1"} : memref<64x64xi32>
    %job1 = aie.buffer(%t1) {sym_name = "job1"} : memref<1024xi32>
    %core1 = aie.core(%t1) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %object_v = aie.objectfifo.acquire @b_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %object = aie.objectfifo.subview.access %object_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_job_begin(%object, %job1, %job1, %job1) : (memref<4096xi8>, memref<1024xi32>, memref<1024xi32>, memref<1024xi32>) -> ()
        aie.objectfifo.release @b_1(Consume, 1)
        %steps_w = memref.load %job1[%c0] : memref<1024xi32>
        %steps = arith.index_cast %steps_w : i32 to index
        %parts_w = memref.load %job1[%c1] : memref<1024xi32>
        %parts = arith.index_cast %parts_w : i32 to index
        func.call @npu_gemm_begin_s32(%job1, %acc1) : (memref<1024xi32>, memref<64x64xi32>) -> ()
        scf.for %k = %c0 to %steps step %c1 {
          %a_v = aie.objectfifo.acquire @a_l1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a = aie.objectfifo.subview.access %a_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %b_v = aie.objectfifo.acquire @b_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %b = aie.objectfifo.subview.access %b_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s8s8(%a, %b, %acc1) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>) -> ()
          aie.objectfifo.release @a_l1(Consume, 1)
          aie.objectfifo.release @b_1(Consume, 1)
        }
        scf.for %p = %c0 to %parts step %c1 {
          %part = arith.index_cast %p : index to i32
          %c_v = aie.objectfifo.acquire @c_1(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_finish_s32(%job1, %acc1, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
          aie.objectfifo.release @c_1(Produce, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    %acc2 = aie.buffer(%t2) {sym_name = "acc2"} : memref<64x64xi32>
    %job2 = aie.buffer(%t2) {sym_name = "job2"} : memref<1024xi32>
    %core2 = aie.core(%t2) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %object_v = aie.objectfifo.acquire @b_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %object = aie.objectfifo.subview.access %object_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_job_begin(%object, %job2, %job2, %job2) : (memref<4096xi8>, memref<1024xi32>, memref<1024xi32>, memref<1024xi32>) -> ()
        aie.objectfifo.release @b_2(Consume, 1)
        %steps_w = memref.load %job2[%c0] : memref<1024xi32>
        %steps = arith.index_cast %steps_w : i32 to index
        %parts_w = memref.load %job2[%c1] : memref<1024xi32>
        %parts = arith.index_cast %parts_w : i32 to index
        func.call @npu_gemm_begin_s32(%job2, %acc2) : (memref<1024xi32>, memref<64x64xi32>) -> ()
        scf.for %k = %c0 to %steps step %c1 {
          %a_v = aie.objectfifo.acquire @a_l1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a = aie.objectfifo.subview.access %a_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %b_v = aie.objectfifo.acquire @b_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %b = aie.objectfifo.subview.access %b_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s8s8(%a, %b, %acc2) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>) -> ()
          aie.objectfifo.release @a_l1(Consume, 1)
          aie.objectfifo.release @b_2(Consume, 1)
        }
        scf.for %p = %c0 to %parts step %c1 {
          %part = arith.index_cast %p : index to i32
          %c_v = aie.objectfifo.acquire @c_2(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_finish_s32(%job2, %acc2, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
          aie.objectfifo.release @c_2(Produce, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    %acc3 = aie.buffer(%t3) {sym_name = "acc3"} : memref<64x64xi32>
    %job3 = aie.buffer(%t3) {sym_name = "job3"} : memref<1024xi32>
    %core3 = aie.core(%t3) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %object_v = aie.objectfifo.acquire @b_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %object = aie.objectfifo.subview.access %object_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_job_begin(%object, %job3, %job3, %job3) : (memref<4096xi8>, memref<1024xi32>, memref<1024xi32>, memref<1024xi32>) -> ()
        aie.objectfifo.release @b_3(Consume, 1)
        %steps_w = memref.load %job3[%c0] : memref<1024xi32>
        %steps = arith.index_cast %steps_w : i32 to index
        %parts_w = memref.load %job3[%c1] : memref<1024xi32>
        %parts = arith.index_cast %parts_w : i32 to index
        func.call @npu_gemm_begin_s32(%job3, %acc3) : (memref<1024xi32>, memref<64x64xi32>) -> ()
        scf.for %k = %c0 to %steps step %c1 {
          %a_v = aie.objectfifo.acquire @a_l1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %a = aie.objectfifo.subview.access %a_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %b_v = aie.objectfifo.acquire @b_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %b = aie.objectfifo.subview.access %b_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s8s8(%a, %b, %acc3) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>) -> ()
          aie.objectfifo.release @a_l1(Consume, 1)
          aie.objectfifo.release @b_3(Consume, 1)
        }
        scf.for %p = %c0 to %parts step %c1 {
          %part = arith.index_cast %p : index to i32
          %c_v = aie.objectfifo.acquire @c_3(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_finish_s32(%job3, %acc3, %c, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<4096xi8>, i32) -> ()
          aie.objectfifo.release @c_3(Produce, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    // M = 256: four jobs a core. %a: [256][256]; %b: [column] of a parameter object and 4 B88, sent
    // four times; %c: [256][256].
    aie.runtime_sequence @sequence(%a: memref<65536xi8>, %b: memref<81920xi8>, %c: memref<65536xi32>) {
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 0][1, 1, 256, 64][0, 0, 256, 1]) {metadata = @c_0, id = 0 : i64, issue_token = true} : memref<65536xi32>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][4, 1, 1, 20480][0, 0, 0, 1]) {metadata = @b_0, id = 1 : i64} : memref<81920xi8>
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 64][1, 1, 256, 64][0, 0, 256, 1]) {metadata = @c_1, id = 0 : i64, issue_token = true} : memref<65536xi32>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 20480][4, 1, 1, 20480][0, 0, 0, 1]) {metadata = @b_1, id = 1 : i64} : memref<81920xi8>
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 128][1, 1, 256, 64][0, 0, 256, 1]) {metadata = @c_2, id = 0 : i64, issue_token = true} : memref<65536xi32>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 40960][4, 1, 1, 20480][0, 0, 0, 1]) {metadata = @b_2, id = 1 : i64} : memref<81920xi8>
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 192][1, 1, 256, 64][0, 0, 256, 1]) {metadata = @c_3, id = 0 : i64, issue_token = true} : memref<65536xi32>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 61440][4, 1, 1, 20480][0, 0, 0, 1]) {metadata = @b_3, id = 1 : i64} : memref<81920xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 0][4, 4, 64, 64][16384, 64, 256, 1]) {metadata = @a_l2, id = 2 : i64} : memref<65536xi8>
      aiex.npu.dma_wait {symbol = @c_0}
      aiex.npu.dma_wait {symbol = @c_1}
      aiex.npu.dma_wait {symbol = @c_2}
      aiex.npu.dma_wait {symbol = @c_3}
    }
  }
}
