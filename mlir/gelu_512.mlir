// SPDX-License-Identifier: LGPL-2.1-or-later
// One core, GELU of vectors of 512 values: s32 to s16 (fixed_gelu of kernels/kernels.h). Contracts and the
// parameter object: kernels/aie2/aie2.h. Text: mlir-aie 5ff2ab97d (March 2026).
//
//   shim (0,0) MM2S 0 --- @u ----> S2MM 0 core (0,2)   512 values an object
//              MM2S 1 --- @job --> S2MM 1              parameters with GELU's table
//              S2MM 0 <-- @g ----- MM2S 0
//
// A job: its parameter object, then count[0] objects of @u, each giving one of @g.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %tile = aie.tile(0, 2)

    aie.objectfifo @u(%shim, {%tile}, [2, 2]) : !aie.objectfifo<memref<512xi32>>
    aie.objectfifo @job(%shim, {%tile}, [1, 1]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @g(%tile, {%shim}, [2, 2]) : !aie.objectfifo<memref<512xi16>>

    %parameters = aie.buffer(%tile) {sym_name = "parameters"} : memref<1024xi32>
    %lut_ab = aie.buffer(%tile) {sym_name = "lut_ab"} : memref<2048xi16>
    %lut_cd = aie.buffer(%tile) {sym_name = "lut_cd"} : memref<2048xi16>

    func.func private @npu_job_begin(memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
    func.func private @npu_gelu_s32s16(memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<512xi32>, memref<512xi16>, i32) -> ()

    %core = aie.core(%tile) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %cmax = arith.constant 9223372036854775807 : index
      %values = arith.constant 512 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        %jv = aie.objectfifo.acquire @job(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %jo = aie.objectfifo.subview.access %jv[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_job_begin(%jo, %parameters, %lut_ab, %lut_cd) : (memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
        aie.objectfifo.release @job(Consume, 1)
        %n0 = memref.load %parameters[%c0] : memref<1024xi32>
        %objects = arith.index_cast %n0 : i32 to index
        scf.for %i = %c0 to %objects step %c1 {
          %uv = aie.objectfifo.acquire @u(Consume, 1) : !aie.objectfifosubview<memref<512xi32>>
          %u = aie.objectfifo.subview.access %uv[0] : !aie.objectfifosubview<memref<512xi32>> -> memref<512xi32>
          %gv = aie.objectfifo.acquire @g(Produce, 1) : !aie.objectfifosubview<memref<512xi16>>
          %g = aie.objectfifo.subview.access %gv[0] : !aie.objectfifosubview<memref<512xi16>> -> memref<512xi16>
          func.call @npu_gelu_s32s16(%parameters, %lut_ab, %lut_cd, %u, %g, %values) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<512xi32>, memref<512xi16>, i32) -> ()
          aie.objectfifo.release @u(Consume, 1)
          aie.objectfifo.release @g(Produce, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    // 128 vectors.
    aie.runtime_sequence @sequence(%u: memref<65536xi32>, %job: memref<4096xi8>, %g: memref<65536xi16>) {
      aiex.npu.dma_memcpy_nd (%g[0, 0, 0, 0][1, 1, 1, 65536][0, 0, 0, 1]) {metadata = @g, id = 0 : i64, issue_token = true} : memref<65536xi16>
      aiex.npu.dma_memcpy_nd (%job[0, 0, 0, 0][1, 1, 1, 4096][0, 0, 0, 1]) {metadata = @job, id = 1 : i64} : memref<4096xi8>
      aiex.npu.dma_memcpy_nd (%u[0, 0, 0, 0][1, 1, 1, 65536][0, 0, 0, 1]) {metadata = @u, id = 2 : i64} : memref<65536xi32>
      aiex.npu.dma_wait {symbol = @g}
    }
  }
}
