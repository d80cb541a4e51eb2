// SPDX-License-Identifier: LGPL-2.1-or-later
// One core, LayerNorm over rows of 256: s32 residual to s16 (fixed_norm of kernels/kernels.h). Contracts and
// the parameter object: kernels/aie2/aie2.h. Text: mlir-aie 5ff2ab97d (March 2026).
//
//   shim (0,0) MM2S 0 --- @x ----> S2MM 0 core (0,2)   4 rows an object, row-major
//              MM2S 1 --- @job --> S2MM 1              one parameter object a launch or more
//              S2MM 0 <-- @y ----- MM2S 0              the same rows, row-major
//
// A job: its parameter object, then count[0] objects of @x, each giving one of @y.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %tile = aie.tile(0, 2)

    aie.objectfifo @x(%shim, {%tile}, [2, 2]) : !aie.objectfifo<memref<1024xi32>>
    aie.objectfifo @job(%shim, {%tile}, [1, 1]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @y(%tile, {%shim}, [2, 2]) : !aie.objectfifo<memref<1024xi16>>

    // The look-up tables' places may be any pointers: no job asks for them.
    %parameters = aie.buffer(%tile) {sym_name = "parameters"} : memref<1024xi32>

    func.func private @npu_job_begin(memref<4096xi8>, memref<1024xi32>, memref<1024xi32>, memref<1024xi32>) -> ()
    func.func private @npu_norm_s32s16(memref<1024xi32>, memref<1024xi32>, memref<1024xi16>, i32) -> ()

    %core = aie.core(%tile) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %cmax = arith.constant 9223372036854775807 : index
      %rows = arith.constant 4 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        %jv = aie.objectfifo.acquire @job(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %jo = aie.objectfifo.subview.access %jv[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_job_begin(%jo, %parameters, %parameters, %parameters) : (memref<4096xi8>, memref<1024xi32>, memref<1024xi32>, memref<1024xi32>) -> ()
        aie.objectfifo.release @job(Consume, 1)
        %n0 = memref.load %parameters[%c0] : memref<1024xi32>
        %objects = arith.index_cast %n0 : i32 to index
        scf.for %i = %c0 to %objects step %c1 {
          %xv = aie.objectfifo.acquire @x(Consume, 1) : !aie.objectfifosubview<memref<1024xi32>>
          %x = aie.objectfifo.subview.access %xv[0] : !aie.objectfifosubview<memref<1024xi32>> -> memref<1024xi32>
          %yv = aie.objectfifo.acquire @y(Produce, 1) : !aie.objectfifosubview<memref<1024xi16>>
          %y = aie.objectfifo.subview.access %yv[0] : !aie.objectfifosubview<memref<1024xi16>> -> memref<1024xi16>
          func.call @npu_norm_s32s16(%parameters, %x, %y, %rows) : (memref<1024xi32>, memref<1024xi32>, memref<1024xi16>, i32) -> ()
          aie.objectfifo.release @x(Consume, 1)
          aie.objectfifo.release @y(Produce, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    // 64 rows: a tile of positions.
    aie.runtime_sequence @sequence(%x: memref<16384xi32>, %job: memref<4096xi8>, %y: memref<16384xi16>) {
      aiex.npu.dma_memcpy_nd (%y[0, 0, 0, 0][1, 1, 1, 16384][0, 0, 0, 1]) {metadata = @y, id = 0 : i64, issue_token = true} : memref<16384xi16>
      aiex.npu.dma_memcpy_nd (%job[0, 0, 0, 0][1, 1, 1, 4096][0, 0, 0, 1]) {metadata = @job, id = 1 : i64} : memref<4096xi8>
      aiex.npu.dma_memcpy_nd (%x[0, 0, 0, 0][1, 1, 1, 16384][0, 0, 0, 1]) {metadata = @x, id = 2 : i64} : memref<16384xi32>
      aiex.npu.dma_wait {symbol = @y}
    }
  }
}
