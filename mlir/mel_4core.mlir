// SPDX-License-Identifier: LGPL-2.1-or-later
// Log-mel of 80 channels on four cores, 16 frames a pass; written by generate.py, do not edit. The
// program of a core is mel.mlir's; the transform's constants are broadcast to all four. Contracts,
// layouts and the parameter object: kernels/aie2/aie2.h. Text: mlir-aie 5ff2ab97d (March 2026).
//
//   shim (c,0) MM2S 0 --- @x_c ---> core (c,2)   parameters, then samples
//              S2MM 0 <-- @y_c ---- core (c,2)   16 frames of 80 channels
//   shim (0,0) MM2S 1 --- @c -----> cores (0,2) (1,2) (2,2) (3,2)
//
// A job: 1 parameter object on @x; count[0] passes, each one object of samples, 104 of constants and
// one of frames; then count[1] objects of frames to clamp.
module {
  aie.device(npu1) {
    %shim0 = aie.tile(0, 0)
    %shim1 = aie.tile(1, 0)
    %shim2 = aie.tile(2, 0)
    %shim3 = aie.tile(3, 0)
    %t0 = aie.tile(0, 2)
    %t1 = aie.tile(1, 2)
    %t2 = aie.tile(2, 2)
    %t3 = aie.tile(3, 2)

    aie.objectfifo @x_0(%shim0, {%t0}, [2, 1]) : !aie.objectfifo<memref<5632xi8>>
    aie.objectfifo @y_0(%t0, {%shim0}, [1, 2]) : !aie.objectfifo<memref<1280xi16>>
    aie.objectfifo @x_1(%shim1, {%t1}, [2, 1]) : !aie.objectfifo<memref<5632xi8>>
    aie.objectfifo @y_1(%t1, {%shim1}, [1, 2]) : !aie.objectfifo<memref<1280xi16>>
    aie.objectfifo @x_2(%shim2, {%t2}, [2, 1]) : !aie.objectfifo<memref<5632xi8>>
    aie.objectfifo @y_2(%t2, {%shim2}, [1, 2]) : !aie.objectfifo<memref<1280xi16>>
    aie.objectfifo @x_3(%shim3, {%t3}, [2, 1]) : !aie.objectfifo<memref<5632xi8>>
    aie.objectfifo @y_3(%t3, {%shim3}, [1, 2]) : !aie.objectfifo<memref<1280xi16>>
    aie.objectfifo @c(%shim0, {%t0, %t1, %t2, %t3}, [2, 2, 2, 2, 2]) : !aie.objectfifo<memref<3200xi8>>

    func.func private @npu_job_begin(memref<5632xi8>, memref<1024xi32>, memref<1024xi32>, memref<1024xi32>) -> ()
    func.func private @npu_logmel_begin(memref<5632xi8>, memref<6400xi16>) -> ()
    func.func private @npu_logmel_dft(memref<3200xi8>, memref<6400xi16>, memref<6656xi32>, i32) -> ()
    func.func private @npu_logmel_finish(memref<1024xi32>, memref<6656xi32>, memref<1280xi16>) -> ()
    func.func private @npu_logmel_clamp(memref<1024xi32>, memref<5632xi8>, memref<1280xi16>) -> ()

    %job0 = aie.buffer(%t0) {sym_name = "job0"} : memref<1024xi32>
    %blocks0 = aie.buffer(%t0) {sym_name = "blocks0"} : memref<6400xi16>
    %spectrum0 = aie.buffer(%t0) {sym_name = "spectrum0"} : memref<6656xi32>
    %core0 = aie.core(%t0) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c104 = arith.constant 104 : index
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %object_v = aie.objectfifo.acquire @x_0(Consume, 1) : !aie.objectfifosubview<memref<5632xi8>>
        %object = aie.objectfifo.subview.access %object_v[0] : !aie.objectfifosubview<memref<5632xi8>> -> memref<5632xi8>
        func.call @npu_job_begin(%object, %job0, %job0, %job0) : (memref<5632xi8>, memref<1024xi32>, memref<1024xi32>, memref<1024xi32>) -> ()
        aie.objectfifo.release @x_0(Consume, 1)
        %passes_w = memref.load %job0[%c0] : memref<1024xi32>
        %passes = arith.index_cast %passes_w : i32 to index
        %clamps_w = memref.load %job0[%c1] : memref<1024xi32>
        %clamps = arith.index_cast %clamps_w : i32 to index
        scf.for %p = %c0 to %passes step %c1 {
          %samples_v = aie.objectfifo.acquire @x_0(Consume, 1) : !aie.objectfifosubview<memref<5632xi8>>
          %samples = aie.objectfifo.subview.access %samples_v[0] : !aie.objectfifosubview<memref<5632xi8>> -> memref<5632xi8>
          func.call @npu_logmel_begin(%samples, %blocks0) : (memref<5632xi8>, memref<6400xi16>) -> ()
          aie.objectfifo.release @x_0(Consume, 1)
          scf.for %i = %c0 to %c104 step %c1 {
            %index = arith.index_cast %i : index to i32
            %c_v = aie.objectfifo.acquire @c(Consume, 1) : !aie.objectfifosubview<memref<3200xi8>>
            %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<3200xi8>> -> memref<3200xi8>
            func.call @npu_logmel_dft(%c, %blocks0, %spectrum0, %index) : (memref<3200xi8>, memref<6400xi16>, memref<6656xi32>, i32) -> ()
            aie.objectfifo.release @c(Consume, 1)
          }
          %y_v = aie.objectfifo.acquire @y_0(Produce, 1) : !aie.objectfifosubview<memref<1280xi16>>
          %y = aie.objectfifo.subview.access %y_v[0] : !aie.objectfifosubview<memref<1280xi16>> -> memref<1280xi16>
          func.call @npu_logmel_finish(%job0, %spectrum0, %y) : (memref<1024xi32>, memref<6656xi32>, memref<1280xi16>) -> ()
          aie.objectfifo.release @y_0(Produce, 1)
        }
        scf.for %p = %c0 to %clamps step %c1 {
          %frames_v = aie.objectfifo.acquire @x_0(Consume, 1) : !aie.objectfifosubview<memref<5632xi8>>
          %frames = aie.objectfifo.subview.access %frames_v[0] : !aie.objectfifosubview<memref<5632xi8>> -> memref<5632xi8>
          %y_v = aie.objectfifo.acquire @y_0(Produce, 1) : !aie.objectfifosubview<memref<1280xi16>>
          %y = aie.objectfifo.subview.access %y_v[0] : !aie.objectfifosubview<memref<1280xi16>> -> memref<1280xi16>
          func.call @npu_logmel_clamp(%job0, %frames, %y) : (memref<1024xi32>, memref<5632xi8>, memref<1280xi16>) -> ()
          aie.objectfifo.release @x_0(Consume, 1)
          aie.objectfifo.release @y_0(Produce, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    %job1 = aie.buffer(%t1) {sym_name = "job1"} : memref<1024xi32>
    %blocks1 = aie.buffer(%t1) {sym_name = "blocks1"} : memref<6400xi16>
    %spectrum1 = aie.buffer(%t1) {sym_name = "spectrum1"} : memref<6656xi32>
    %core1 = aie.core(%t1) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c104 = arith.constant 104 : index
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %object_v = aie.objectfifo.acquire @x_1(Consume, 1) : !aie.objectfifosubview<memref<5632xi8>>
        %object = aie.objectfifo.subview.access %object_v[0] : !aie.objectfifosubview<memref<5632xi8>> -> memref<5632xi8>
        func.call @npu_job_begin(%object, %job1, %job1, %job1) : (memref<5632xi8>, memref<1024xi32>, memref<1024xi32>, memref<1024xi32>) -> ()
        aie.objectfifo.release @x_1(Consume, 1)
        %passes_w = memref.load %job1[%c0] : memref<1024xi32>
        %passes = arith.index_cast %passes_w : i32 to index
        %clamps_w = memref.load %job1[%c1] : memref<1024xi32>
        %clamps = arith.index_cast %clamps_w : i32 to index
        scf.for %p = %c0 to %passes step %c1 {
          %samples_v = aie.objectfifo.acquire @x_1(Consume, 1) : !aie.objectfifosubview<memref<5632xi8>>
          %samples = aie.objectfifo.subview.access %samples_v[0] : !aie.objectfifosubview<memref<5632xi8>> -> memref<5632xi8>
          func.call @npu_logmel_begin(%samples, %blocks1) : (memref<5632xi8>, memref<6400xi16>) -> ()
          aie.objectfifo.release @x_1(Consume, 1)
          scf.for %i = %c0 to %c104 step %c1 {
            %index = arith.index_cast %i : index to i32
            %c_v = aie.objectfifo.acquire @c(Consume, 1) : !aie.objectfifosubview<memref<3200xi8>>
            %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<3200xi8>> -> memref<3200xi8>
            func.call @npu_logmel_dft(%c, %blocks1, %spectrum1, %index) : (memref<3200xi8>, memref<6400xi16>, memref<6656xi32>, i32) -> ()
            aie.objectfifo.release @c(Consume, 1)
          }
          %y_v = aie.objectfifo.acquire @y_1(Produce, 1) : !aie.objectfifosubview<memref<1280xi16>>
          %y = aie.objectfifo.subview.access %y_v[0] : !aie.objectfifosubview<memref<1280xi16>> -> memref<1280xi16>
          func.call @npu_logmel_finish(%job1, %spectrum1, %y) : (memref<1024xi32>, memref<6656xi32>, memref<1280xi16>) -> ()
          aie.objectfifo.release @y_1(Produce, 1)
        }
        scf.for %p = %c0 to %clamps step %c1 {
          %frames_v = aie.objectfifo.acquire @x_1(Consume, 1) : !aie.objectfifosubview<memref<5632xi8>>
          %frames = aie.objectfifo.subview.access %frames_v[0] : !aie.objectfifosubview<memref<5632xi8>> -> memref<5632xi8>
          %y_v = aie.objectfifo.acquire @y_1(Produce, 1) : !aie.objectfifosubview<memref<1280xi16>>
          %y = aie.objectfifo.subview.access %y_v[0] : !aie.objectfifosubview<memref<1280xi16>> -> memref<1280xi16>
          func.call @npu_logmel_clamp(%job1, %frames, %y) : (memref<1024xi32>, memref<5632xi8>, memref<1280xi16>) -> ()
          aie.objectfifo.release @x_1(Consume, 1)
          aie.objectfifo.release @y_1(Produce, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    %job2 = aie.buffer(%t2) {sym_name = "job2"} : memref<1024xi32>
    %blocks2 = aie.buffer(%t2) {sym_name = "blocks2"} : memref<6400xi16>
    %spectrum2 = aie.buffer(%t2) {sym_name = "spectrum2"} : memref<6656xi32>
    %core2 = aie.core(%t2) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c104 = arith.constant 104 : index
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %object_v = aie.objectfifo.acquire @x_2(Consume, 1) : !aie.objectfifosubview<memref<5632xi8>>
        %object = aie.objectfifo.subview.access %object_v[0] : !aie.objectfifosubview<memref<5632xi8>> -> memref<5632xi8>
        func.call @npu_job_begin(%object, %job2, %job2, %job2) : (memref<5632xi8>, memref<1024xi32>, memref<1024xi32>, memref<1024xi32>) -> ()
        aie.objectfifo.release @x_2(Consume, 1)
        %passes_w = memref.load %job2[%c0] : memref<1024xi32>
        %passes = arith.index_cast %passes_w : i32 to index
        %clamps_w = memref.load %job2[%c1] : memref<1024xi32>
        %clamps = arith.index_cast %clamps_w : i32 to index
        scf.for %p = %c0 to %passes step %c1 {
          %samples_v = aie.objectfifo.acquire @x_2(Consume, 1) : !aie.objectfifosubview<memref<5632xi8>>
          %samples = aie.objectfifo.subview.access %samples_v[0] : !aie.objectfifosubview<memref<5632xi8>> -> memref<5632xi8>
          func.call @npu_logmel_begin(%samples, %blocks2) : (memref<5632xi8>, memref<6400xi16>) -> ()
          aie.objectfifo.release @x_2(Consume, 1)
          scf.for %i = %c0 to %c104 step %c1 {
            %index = arith.index_cast %i : index to i32
            %c_v = aie.objectfifo.acquire @c(Consume, 1) : !aie.objectfifosubview<memref<3200xi8>>
            %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<3200xi8>> -> memref<3200xi8>
            func.call @npu_logmel_dft(%c, %blocks2, %spectrum2, %index) : (memref<3200xi8>, memref<6400xi16>, memref<6656xi32>, i32) -> ()
            aie.objectfifo.release @c(Consume, 1)
          }
          %y_v = aie.objectfifo.acquire @y_2(Produce, 1) : !aie.objectfifosubview<memref<1280xi16>>
          %y = aie.objectfifo.subview.access %y_v[0] : !aie.objectfifosubview<memref<1280xi16>> -> memref<1280xi16>
          func.call @npu_logmel_finish(%job2, %spectrum2, %y) : (memref<1024xi32>, memref<6656xi32>, memref<1280xi16>) -> ()
          aie.objectfifo.release @y_2(Produce, 1)
        }
        scf.for %p = %c0 to %clamps step %c1 {
          %frames_v = aie.objectfifo.acquire @x_2(Consume, 1) : !aie.objectfifosubview<memref<5632xi8>>
          %frames = aie.objectfifo.subview.access %frames_v[0] : !aie.objectfifosubview<memref<5632xi8>> -> memref<5632xi8>
          %y_v = aie.objectfifo.acquire @y_2(Produce, 1) : !aie.objectfifosubview<memref<1280xi16>>
          %y = aie.objectfifo.subview.access %y_v[0] : !aie.objectfifosubview<memref<1280xi16>> -> memref<1280xi16>
          func.call @npu_logmel_clamp(%job2, %frames, %y) : (memref<1024xi32>, memref<5632xi8>, memref<1280xi16>) -> ()
          aie.objectfifo.release @x_2(Consume, 1)
          aie.objectfifo.release @y_2(Produce, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    %job3 = aie.buffer(%t3) {sym_name = "job3"} : memref<1024xi32>
    %blocks3 = aie.buffer(%t3) {sym_name = "blocks3"} : memref<6400xi16>
    %spectrum3 = aie.buffer(%t3) {sym_name = "spectrum3"} : memref<6656xi32>
    %core3 = aie.core(%t3) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c104 = arith.constant 104 : index
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %object_v = aie.objectfifo.acquire @x_3(Consume, 1) : !aie.objectfifosubview<memref<5632xi8>>
        %object = aie.objectfifo.subview.access %object_v[0] : !aie.objectfifosubview<memref<5632xi8>> -> memref<5632xi8>
        func.call @npu_job_begin(%object, %job3, %job3, %job3) : (memref<5632xi8>, memref<1024xi32>, memref<1024xi32>, memref<1024xi32>) -> ()
        aie.objectfifo.release @x_3(Consume, 1)
        %passes_w = memref.load %job3[%c0] : memref<1024xi32>
        %passes = arith.index_cast %passes_w : i32 to index
        %clamps_w = memref.load %job3[%c1] : memref<1024xi32>
        %clamps = arith.index_cast %clamps_w : i32 to index
        scf.for %p = %c0 to %passes step %c1 {
          %samples_v = aie.objectfifo.acquire @x_3(Consume, 1) : !aie.objectfifosubview<memref<5632xi8>>
          %samples = aie.objectfifo.subview.access %samples_v[0] : !aie.objectfifosubview<memref<5632xi8>> -> memref<5632xi8>
          func.call @npu_logmel_begin(%samples, %blocks3) : (memref<5632xi8>, memref<6400xi16>) -> ()
          aie.objectfifo.release @x_3(Consume, 1)
          scf.for %i = %c0 to %c104 step %c1 {
            %index = arith.index_cast %i : index to i32
            %c_v = aie.objectfifo.acquire @c(Consume, 1) : !aie.objectfifosubview<memref<3200xi8>>
            %c = aie.objectfifo.subview.access %c_v[0] : !aie.objectfifosubview<memref<3200xi8>> -> memref<3200xi8>
            func.call @npu_logmel_dft(%c, %blocks3, %spectrum3, %index) : (memref<3200xi8>, memref<6400xi16>, memref<6656xi32>, i32) -> ()
            aie.objectfifo.release @c(Consume, 1)
          }
          %y_v = aie.objectfifo.acquire @y_3(Produce, 1) : !aie.objectfifosubview<memref<1280xi16>>
          %y = aie.objectfifo.subview.access %y_v[0] : !aie.objectfifosubview<memref<1280xi16>> -> memref<1280xi16>
          func.call @npu_logmel_finish(%job3, %spectrum3, %y) : (memref<1024xi32>, memref<6656xi32>, memref<1280xi16>) -> ()
          aie.objectfifo.release @y_3(Produce, 1)
        }
        scf.for %p = %c0 to %clamps step %c1 {
          %frames_v = aie.objectfifo.acquire @x_3(Consume, 1) : !aie.objectfifosubview<memref<5632xi8>>
          %frames = aie.objectfifo.subview.access %frames_v[0] : !aie.objectfifosubview<memref<5632xi8>> -> memref<5632xi8>
          %y_v = aie.objectfifo.acquire @y_3(Produce, 1) : !aie.objectfifosubview<memref<1280xi16>>
          %y = aie.objectfifo.subview.access %y_v[0] : !aie.objectfifosubview<memref<1280xi16>> -> memref<1280xi16>
          func.call @npu_logmel_clamp(%job3, %frames, %y) : (memref<1024xi32>, memref<5632xi8>, memref<1280xi16>) -> ()
          aie.objectfifo.release @x_3(Consume, 1)
          aie.objectfifo.release @y_3(Produce, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    // A window: 3008 frames, of which the last 8 are padding; core c makes frames 752 c to 752 c + 751.
    // %x: samples; a pass reads 2816, the next begins 2560 on. %c: the constants, sent for every pass.
    aie.runtime_sequence @mel(%job: memref<5632xi8>, %x: memref<481536xi16>, %c: memref<332800xi8>, %y: memref<240640xi16>) {
      aiex.npu.dma_memcpy_nd (%y[0, 0, 0, 0][1, 1, 1, 60160][0, 0, 0, 1]) {metadata = @y_0, id = 0 : i64, issue_token = true} : memref<240640xi16>
      aiex.npu.dma_memcpy_nd (%job[0, 0, 0, 0][1, 1, 1, 5632][0, 0, 0, 1]) {metadata = @x_0, id = 1 : i64} : memref<5632xi8>
      aiex.npu.dma_memcpy_nd (%x[0, 0, 0, 0][1, 47, 2, 1408][0, 2560, 1408, 1]) {metadata = @x_0, id = 2 : i64} : memref<481536xi16>
      aiex.npu.dma_memcpy_nd (%y[0, 0, 0, 60160][1, 1, 1, 60160][0, 0, 0, 1]) {metadata = @y_1, id = 0 : i64, issue_token = true} : memref<240640xi16>
      aiex.npu.dma_memcpy_nd (%job[0, 0, 0, 0][1, 1, 1, 5632][0, 0, 0, 1]) {metadata = @x_1, id = 1 : i64} : memref<5632xi8>
      aiex.npu.dma_memcpy_nd (%x[0, 0, 0, 120320][1, 47, 2, 1408][0, 2560, 1408, 1]) {metadata = @x_1, id = 2 : i64} : memref<481536xi16>
      aiex.npu.dma_memcpy_nd (%y[0, 0, 0, 120320][1, 1, 1, 60160][0, 0, 0, 1]) {metadata = @y_2, id = 0 : i64, issue_token = true} : memref<240640xi16>
      aiex.npu.dma_memcpy_nd (%job[0, 0, 0, 0][1, 1, 1, 5632][0, 0, 0, 1]) {metadata = @x_2, id = 1 : i64} : memref<5632xi8>
      aiex.npu.dma_memcpy_nd (%x[0, 0, 0, 240640][1, 47, 2, 1408][0, 2560, 1408, 1]) {metadata = @x_2, id = 2 : i64} : memref<481536xi16>
      aiex.npu.dma_memcpy_nd (%y[0, 0, 0, 180480][1, 1, 1, 60160][0, 0, 0, 1]) {metadata = @y_3, id = 0 : i64, issue_token = true} : memref<240640xi16>
      aiex.npu.dma_memcpy_nd (%job[0, 0, 0, 0][1, 1, 1, 5632][0, 0, 0, 1]) {metadata = @x_3, id = 1 : i64} : memref<5632xi8>
      aiex.npu.dma_memcpy_nd (%x[0, 0, 0, 360960][1, 47, 2, 1408][0, 2560, 1408, 1]) {metadata = @x_3, id = 2 : i64} : memref<481536xi16>
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 0][47, 1, 1, 332800][0, 0, 0, 1]) {metadata = @c, id = 3 : i64} : memref<332800xi8>
      aiex.npu.dma_wait {symbol = @y_0}
      aiex.npu.dma_wait {symbol = @y_1}
      aiex.npu.dma_wait {symbol = @y_2}
      aiex.npu.dma_wait {symbol = @y_3}
    }

    // The clamp to 8 below the window's maximum, which is in the job: what @mel made comes back as %z,
    // with 1536 values after the last frame, since an object of @x is larger than 16 frames.
    aie.runtime_sequence @clamp(%job: memref<5632xi8>, %z: memref<242176xi16>, %y: memref<240640xi16>) {
      aiex.npu.dma_memcpy_nd (%y[0, 0, 0, 0][1, 1, 1, 60160][0, 0, 0, 1]) {metadata = @y_0, id = 0 : i64, issue_token = true} : memref<240640xi16>
      aiex.npu.dma_memcpy_nd (%job[0, 0, 0, 0][1, 1, 1, 5632][0, 0, 0, 1]) {metadata = @x_0, id = 1 : i64} : memref<5632xi8>
      aiex.npu.dma_memcpy_nd (%z[0, 0, 0, 0][1, 47, 2, 1408][0, 1280, 1408, 1]) {metadata = @x_0, id = 2 : i64} : memref<242176xi16>
      aiex.npu.dma_memcpy_nd (%y[0, 0, 0, 60160][1, 1, 1, 60160][0, 0, 0, 1]) {metadata = @y_1, id = 0 : i64, issue_token = true} : memref<240640xi16>
      aiex.npu.dma_memcpy_nd (%job[0, 0, 0, 0][1, 1, 1, 5632][0, 0, 0, 1]) {metadata = @x_1, id = 1 : i64} : memref<5632xi8>
      aiex.npu.dma_memcpy_nd (%z[0, 0, 0, 60160][1, 47, 2, 1408][0, 1280, 1408, 1]) {metadata = @x_1, id = 2 : i64} : memref<242176xi16>
      aiex.npu.dma_memcpy_nd (%y[0, 0, 0, 120320][1, 1, 1, 60160][0, 0, 0, 1]) {metadata = @y_2, id = 0 : i64, issue_token = true} : memref<240640xi16>
      aiex.npu.dma_memcpy_nd (%job[0, 0, 0, 0][1, 1, 1, 5632][0, 0, 0, 1]) {metadata = @x_2, id = 1 : i64} : memref<5632xi8>
      aiex.npu.dma_memcpy_nd (%z[0, 0, 0, 120320][1, 47, 2, 1408][0, 1280, 1408, 1]) {metadata = @x_2, id = 2 : i64} : memref<242176xi16>
      aiex.npu.dma_memcpy_nd (%y[0, 0, 0, 180480][1, 1, 1, 60160][0, 0, 0, 1]) {metadata = @y_3, id = 0 : i64, issue_token = true} : memref<240640xi16>
      aiex.npu.dma_memcpy_nd (%job[0, 0, 0, 0][1, 1, 1, 5632][0, 0, 0, 1]) {metadata = @x_3, id = 1 : i64} : memref<5632xi8>
      aiex.npu.dma_memcpy_nd (%z[0, 0, 0, 180480][1, 47, 2, 1408][0, 1280, 1408, 1]) {metadata = @x_3, id = 2 : i64} : memref<242176xi16>
      aiex.npu.dma_wait {symbol = @y_0}
      aiex.npu.dma_wait {symbol = @y_1}
      aiex.npu.dma_wait {symbol = @y_2}
      aiex.npu.dma_wait {symbol = @y_3}
    }
  }
}
