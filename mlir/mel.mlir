// SPDX-License-Identifier: LGPL-2.1-or-later
// One core, log-mel of 80 channels, 16 frames a pass: the windowed transform as a product with
// constants, power, Slaney bank, logarithm. Contracts, layouts and the parameter object:
// kernels/aie2/aie2.h. Text: mlir-aie 5ff2ab97d (March 2026).
//
//   shim (0,0) MM2S 0 --- @x ---> S2MM 0 core (0,2)   parameters, then samples: 2816, 2560 apart
//              MM2S 1 --- @c ---> S2MM 1              the transform's constants, 104 objects a pass
//              S2MM 0 <-- @y ---- MM2S 0              16 frames of 80 channels
//
// A job: 1 parameter object on @x; count[0] passes, each one object of samples, 104 of constants and
// one of frames; then count[1] objects of frames to clamp. The spectrum takes 26 KiB, more than a
// bank, so the compiler places this tile's buffers one after the other.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %tile = aie.tile(0, 2)

    aie.objectfifo @x(%shim, {%tile}, [2, 1]) : !aie.objectfifo<memref<5632xi8>>
    aie.objectfifo @c(%shim, {%tile}, [2, 2]) : !aie.objectfifo<memref<3200xi8>>
    aie.objectfifo @y(%tile, {%shim}, [1, 2]) : !aie.objectfifo<memref<1280xi16>>

    %job = aie.buffer(%tile) {sym_name = "job"} : memref<1024xi32>
    %blocks = aie.buffer(%tile) {sym_name = "blocks"} : memref<6400xi16>
    %spectrum = aie.buffer(%tile) {sym_name = "spectrum"} : memref<6656xi32>

    // No job here asks for look-up tables: their places may be any pointers.
    func.func private @npu_job_begin(memref<5632xi8>, memref<1024xi32>, memref<1024xi32>, memref<1024xi32>) -> ()
    func.func private @npu_logmel_begin(memref<5632xi8>, memref<6400xi16>) -> ()
    func.func private @npu_logmel_dft(memref<3200xi8>, memref<6400xi16>, memref<6656xi32>, i32) -> ()
    func.func private @npu_logmel_finish(memref<1024xi32>, memref<6656xi32>, memref<1280xi16>) -> ()
    func.func private @npu_logmel_clamp(memref<1024xi32>, memref<5632xi8>, memref<1280xi16>) -> ()

    %core = aie.core(%tile) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c104 = arith.constant 104 : index
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %objectv = aie.objectfifo.acquire @x(Consume, 1) : !aie.objectfifosubview<memref<5632xi8>>
        %object = aie.objectfifo.subview.access %objectv[0] : !aie.objectfifosubview<memref<5632xi8>> -> memref<5632xi8>
        func.call @npu_job_begin(%object, %job, %job, %job) : (memref<5632xi8>, memref<1024xi32>, memref<1024xi32>, memref<1024xi32>) -> ()
        aie.objectfifo.release @x(Consume, 1)
        %n0 = memref.load %job[%c0] : memref<1024xi32>
        %passes = arith.index_cast %n0 : i32 to index
        %n1 = memref.load %job[%c1] : memref<1024xi32>
        %clamps = arith.index_cast %n1 : i32 to index
        // 16 frames: their samples in the layout of the product, every constant, bank and logarithm.
        scf.for %p = %c0 to %passes step %c1 {
          %samplesv = aie.objectfifo.acquire @x(Consume, 1) : !aie.objectfifosubview<memref<5632xi8>>
          %samples = aie.objectfifo.subview.access %samplesv[0] : !aie.objectfifosubview<memref<5632xi8>> -> memref<5632xi8>
          func.call @npu_logmel_begin(%samples, %blocks) : (memref<5632xi8>, memref<6400xi16>) -> ()
          aie.objectfifo.release @x(Consume, 1)
          scf.for %i = %c0 to %c104 step %c1 {
            %index = arith.index_cast %i : index to i32
            %cv = aie.objectfifo.acquire @c(Consume, 1) : !aie.objectfifosubview<memref<3200xi8>>
            %c = aie.objectfifo.subview.access %cv[0] : !aie.objectfifosubview<memref<3200xi8>> -> memref<3200xi8>
            func.call @npu_logmel_dft(%c, %blocks, %spectrum, %index) : (memref<3200xi8>, memref<6400xi16>, memref<6656xi32>, i32) -> ()
            aie.objectfifo.release @c(Consume, 1)
          }
          %yv = aie.objectfifo.acquire @y(Produce, 1) : !aie.objectfifosubview<memref<1280xi16>>
          %y = aie.objectfifo.subview.access %yv[0] : !aie.objectfifosubview<memref<1280xi16>> -> memref<1280xi16>
          func.call @npu_logmel_finish(%job, %spectrum, %y) : (memref<1024xi32>, memref<6656xi32>, memref<1280xi16>) -> ()
          aie.objectfifo.release @y(Produce, 1)
        }
        // The last step of a window, when its maximum is known: frames come back on @x.
        scf.for %p = %c0 to %clamps step %c1 {
          %framesv = aie.objectfifo.acquire @x(Consume, 1) : !aie.objectfifosubview<memref<5632xi8>>
          %frames = aie.objectfifo.subview.access %framesv[0] : !aie.objectfifosubview<memref<5632xi8>> -> memref<5632xi8>
          %yv = aie.objectfifo.acquire @y(Produce, 1) : !aie.objectfifosubview<memref<1280xi16>>
          %y = aie.objectfifo.subview.access %yv[0] : !aie.objectfifosubview<memref<1280xi16>> -> memref<1280xi16>
          func.call @npu_logmel_clamp(%job, %frames, %y) : (memref<1024xi32>, memref<5632xi8>, memref<1280xi16>) -> ()
          aie.objectfifo.release @x(Consume, 1)
          aie.objectfifo.release @y(Produce, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    // 256 frames. %x: samples; a pass reads 2816, the next begins 2560 on.
    aie.runtime_sequence @mel(%parameters: memref<5632xi8>, %x: memref<41216xi16>, %c: memref<332800xi8>, %y: memref<20480xi16>) {
      aiex.npu.dma_memcpy_nd (%y[0, 0, 0, 0][1, 1, 1, 20480][0, 0, 0, 1]) {metadata = @y, id = 0 : i64, issue_token = true} : memref<20480xi16>
      aiex.npu.dma_memcpy_nd (%parameters[0, 0, 0, 0][1, 1, 1, 5632][0, 0, 0, 1]) {metadata = @x, id = 1 : i64} : memref<5632xi8>
      aiex.npu.dma_memcpy_nd (%x[0, 0, 0, 0][1, 16, 2, 1408][0, 2560, 1408, 1]) {metadata = @x, id = 2 : i64} : memref<41216xi16>
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 0][16, 1, 1, 332800][0, 0, 0, 1]) {metadata = @c, id = 3 : i64} : memref<332800xi8>
      aiex.npu.dma_wait {symbol = @y}
    }

    // The clamp to 8 below the window's maximum, which is in the job: what @mel made comes back as %z,
    // with 1536 values after the last frame, since an object of @x is larger than 16 frames.
    aie.runtime_sequence @clamp(%parameters: memref<5632xi8>, %z: memref<22016xi16>, %y: memref<20480xi16>) {
      aiex.npu.dma_memcpy_nd (%y[0, 0, 0, 0][1, 1, 1, 20480][0, 0, 0, 1]) {metadata = @y, id = 0 : i64, issue_token = true} : memref<20480xi16>
      aiex.npu.dma_memcpy_nd (%parameters[0, 0, 0, 0][1, 1, 1, 5632][0, 0, 0, 1]) {metadata = @x, id = 1 : i64} : memref<5632xi8>
      aiex.npu.dma_memcpy_nd (%z[0, 0, 0, 0][1, 16, 2, 1408][0, 1280, 1408, 1]) {metadata = @x, id = 2 : i64} : memref<22016xi16>
      aiex.npu.dma_wait {symbol = @y}
    }
  }
}
