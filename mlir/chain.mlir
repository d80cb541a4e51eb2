// SPDX-License-Identifier: LGPL-2.1-or-later
// Three cores in a row: LayerNorm (rows of 128) -> matrix product (128 to 64 channels) -> GELU, 64
// positions at a time. Contracts, layouts and the parameter object: kernels/aie2/aie2.h. Text:
// mlir-aie 5ff2ab97d (March 2026).
//
//   shim (0,0) MM2S 0 -- @x ---> S2MM 0 core (0,2) norm, MM2S 0 -- @y_l1 --> S2MM 0 mem (0,1)
//              MM2S 1 -- @b ---> S2MM 0 core (0,3) gemm, S2MM 1 <- @y_l2 --- MM2S 0 mem (0,1)
//                                core (0,3) gemm -- @u, shared memory --> core (0,4) gelu
//              S2MM 0 <- @g ---- MM2S 0 core (0,4) gelu
//   shim (1,0) MM2S 0 -- @job -> S2MM 1 core (0,2) norm, S2MM 0 core (0,4) gelu
//
// The norm writes 64 rows, row-major. Its DMA sends them as four slabs of 64 x 32, the mem tile cuts
// these into blocks of 4 x 4: four A16, which the product holds as one object.
// @job brings two parameter objects, norm's and GELU's, to both cores: each keeps its own. The
// product's job leads its weights on @b.
//   norm: count[0] tiles of 64 rows, each 8 objects @x
//   gemm: a job for each tile, result s32: count[0] objects B8 (2), count[1] objects R32 (4)
//   gelu: count[0] objects of @u (4 a tile)
module {
  aie.device(npu1) {
    %shim0 = aie.tile(0, 0)
    %shim1 = aie.tile(1, 0)
    %mem = aie.tile(0, 1)
    %t_norm = aie.tile(0, 2)
    %t_gemm = aie.tile(0, 3)
    %t_gelu = aie.tile(0, 4)

    aie.objectfifo @x(%shim0, {%t_norm}, [2, 2]) : !aie.objectfifo<memref<1024xi32>>
    aie.objectfifo @b(%shim0, {%t_gemm}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @job(%shim1, {%t_norm, %t_gelu}, [1, 1, 1]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @y_l1(%t_norm dimensionsToStream [<size = 4, stride = 64>, <size = 64, stride = 256>, <size = 64, stride = 1>], {%mem}, [1, 2]) : !aie.objectfifo<memref<16384xi8>>
    aie.objectfifo @y_l2(%mem dimensionsToStream [<size = 64, stride = 256>, <size = 8, stride = 8>, <size = 4, stride = 64>, <size = 8, stride = 1>], {%t_gemm}, [2, 1]) : !aie.objectfifo<memref<16384xi8>>
    aie.objectfifo.link [@y_l1] -> [@y_l2] ([] [])
    aie.objectfifo @u(%t_gemm, {%t_gelu}, [2, 2]) : !aie.objectfifo<memref<1024xi32>>
    aie.objectfifo @g(%t_gelu, {%shim0}, [2, 2]) : !aie.objectfifo<memref<1024xi16>>

    func.func private @npu_job_begin(memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
    func.func private @npu_norm_s32s16(memref<1024xi32>, memref<1024xi32>, memref<1024xi16>, i32) -> ()
    func.func private @npu_gemm_begin_s32(memref<1024xi32>, memref<64x64xi32>) -> ()
    func.func private @npu_gemm_step_s16s8(memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
    func.func private @npu_gemm_finish_s32(memref<1024xi32>, memref<64x64xi32>, memref<1024xi32>, i32) -> ()
    func.func private @npu_gelu_s32s16(memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<1024xi32>, memref<1024xi16>, i32) -> ()

    // ---- LayerNorm ----
    %norm_job = aie.buffer(%t_norm) {sym_name = "norm_job"} : memref<1024xi32>
    %norm_lut = aie.buffer(%t_norm) {sym_name = "norm_lut"} : memref<2048xi16>
    %core_norm = aie.core(%t_norm) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c8 = arith.constant 8 : index
      %c2048 = arith.constant 2048 : index
      %cmax = arith.constant 9223372036854775807 : index
      %rows = arith.constant 8 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        // The first of two parameter objects is this core's.
        scf.for %j = %c0 to %c2 step %c1 {
          %jv = aie.objectfifo.acquire @job(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %jo = aie.objectfifo.subview.access %jv[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %own = arith.cmpi eq, %j, %c0 : index
          scf.if %own {
            func.call @npu_job_begin(%jo, %norm_job, %norm_lut, %norm_lut) : (memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
          }
          aie.objectfifo.release @job(Consume, 1)
        }
        %n0 = memref.load %norm_job[%c0] : memref<1024xi32>
        %tiles = arith.index_cast %n0 : i32 to index
        scf.for %i = %c0 to %tiles step %c1 {
          %yv = aie.objectfifo.acquire @y_l1(Produce, 1) : !aie.objectfifosubview<memref<16384xi8>>
          %y = aie.objectfifo.subview.access %yv[0] : !aie.objectfifosubview<memref<16384xi8>> -> memref<16384xi8>
          scf.for %p = %c0 to %c8 step %c1 {
            %from = arith.muli %p, %c2048 : index
            %yp = memref.view %y[%from][] : memref<16384xi8> to memref<1024xi16>
            %xv = aie.objectfifo.acquire @x(Consume, 1) : !aie.objectfifosubview<memref<1024xi32>>
            %x = aie.objectfifo.subview.access %xv[0] : !aie.objectfifosubview<memref<1024xi32>> -> memref<1024xi32>
            func.call @npu_norm_s32s16(%norm_job, %x, %yp, %rows) : (memref<1024xi32>, memref<1024xi32>, memref<1024xi16>, i32) -> ()
            aie.objectfifo.release @x(Consume, 1)
          }
          aie.objectfifo.release @y_l1(Produce, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    // ---- Matrix product ----
    %acc = aie.buffer(%t_gemm) {sym_name = "acc"} : memref<64x64xi32>
    %gemm_job = aie.buffer(%t_gemm) {sym_name = "gemm_job"} : memref<1024xi32>
    %gemm_lut = aie.buffer(%t_gemm) {sym_name = "gemm_lut"} : memref<2048xi16>
    %core_gemm = aie.core(%t_gemm) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4096 = arith.constant 4096 : index
      %c8192 = arith.constant 8192 : index
      %cmax = arith.constant 9223372036854775807 : index
      %half0 = arith.constant 0 : i32
      %half1 = arith.constant 1 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        %jv = aie.objectfifo.acquire @b(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %jo = aie.objectfifo.subview.access %jv[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_job_begin(%jo, %gemm_job, %gemm_lut, %gemm_lut) : (memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
        aie.objectfifo.release @b(Consume, 1)
        %n0 = memref.load %gemm_job[%c0] : memref<1024xi32>
        %n1 = memref.load %gemm_job[%c1] : memref<1024xi32>
        %steps = arith.index_cast %n0 : i32 to index
        %parts = arith.index_cast %n1 : i32 to index
        func.call @npu_gemm_begin_s32(%gemm_job, %acc) : (memref<1024xi32>, memref<64x64xi32>) -> ()
        %yv = aie.objectfifo.acquire @y_l2(Consume, 1) : !aie.objectfifosubview<memref<16384xi8>>
        %y = aie.objectfifo.subview.access %yv[0] : !aie.objectfifosubview<memref<16384xi8>> -> memref<16384xi8>
        scf.for %k = %c0 to %steps step %c1 {
          %from0 = arith.muli %k, %c8192 : index
          %from1 = arith.addi %from0, %c4096 : index
          %a0 = memref.view %y[%from0][] : memref<16384xi8> to memref<4096xi8>
          %a1 = memref.view %y[%from1][] : memref<16384xi8> to memref<4096xi8>
          %bv = aie.objectfifo.acquire @b(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %b = aie.objectfifo.subview.access %bv[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_gemm_step_s16s8(%a0, %b, %acc, %half0) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          func.call @npu_gemm_step_s16s8(%a1, %b, %acc, %half1) : (memref<4096xi8>, memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          aie.objectfifo.release @b(Consume, 1)
        }
        aie.objectfifo.release @y_l2(Consume, 1)
        scf.for %p = %c0 to %parts step %c1 {
          %part = arith.index_cast %p : index to i32
          %uv = aie.objectfifo.acquire @u(Produce, 1) : !aie.objectfifosubview<memref<1024xi32>>
          %u = aie.objectfifo.subview.access %uv[0] : !aie.objectfifosubview<memref<1024xi32>> -> memref<1024xi32>
          func.call @npu_gemm_finish_s32(%gemm_job, %acc, %u, %part) : (memref<1024xi32>, memref<64x64xi32>, memref<1024xi32>, i32) -> ()
          aie.objectfifo.release @u(Produce, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    // ---- GELU ----
    %gelu_job = aie.buffer(%t_gelu) {sym_name = "gelu_job"} : memref<1024xi32>
    %lut_ab = aie.buffer(%t_gelu) {sym_name = "lut_ab"} : memref<2048xi16>
    %lut_cd = aie.buffer(%t_gelu) {sym_name = "lut_cd"} : memref<2048xi16>
    %core_gelu = aie.core(%t_gelu) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %cmax = arith.constant 9223372036854775807 : index
      %values = arith.constant 1024 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        // The second of two parameter objects is this core's.
        scf.for %j = %c0 to %c2 step %c1 {
          %jv = aie.objectfifo.acquire @job(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %jo = aie.objectfifo.subview.access %jv[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %own = arith.cmpi eq, %j, %c1 : index
          scf.if %own {
            func.call @npu_job_begin(%jo, %gelu_job, %lut_ab, %lut_cd) : (memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
          }
          aie.objectfifo.release @job(Consume, 1)
        }
        %n0 = memref.load %gelu_job[%c0] : memref<1024xi32>
        %objects = arith.index_cast %n0 : i32 to index
        scf.for %i = %c0 to %objects step %c1 {
          %uv = aie.objectfifo.acquire @u(Consume, 1) : !aie.objectfifosubview<memref<1024xi32>>
          %u = aie.objectfifo.subview.access %uv[0] : !aie.objectfifosubview<memref<1024xi32>> -> memref<1024xi32>
          %gv = aie.objectfifo.acquire @g(Produce, 1) : !aie.objectfifosubview<memref<1024xi16>>
          %g = aie.objectfifo.subview.access %gv[0] : !aie.objectfifosubview<memref<1024xi16>> -> memref<1024xi16>
          func.call @npu_gelu_s32s16(%gelu_job, %lut_ab, %lut_cd, %u, %g, %values) : (memref<1024xi32>, memref<2048xi16>, memref<2048xi16>, memref<1024xi32>, memref<1024xi16>, i32) -> ()
          aie.objectfifo.release @u(Consume, 1)
          aie.objectfifo.release @g(Produce, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "npu_core.o"}

    // 256 positions: four tiles. %jobs: norm's and GELU's; %b: a job and 2 B8, sent for every tile.
    aie.runtime_sequence @sequence(%x: memref<32768xi32>, %b: memref<12288xi8>, %jobs: memref<8192xi8>, %g: memref<16384xi16>) {
      aiex.npu.dma_memcpy_nd (%g[0, 0, 0, 0][1, 1, 1, 16384][0, 0, 0, 1]) {metadata = @g, id = 0 : i64, issue_token = true} : memref<16384xi16>
      aiex.npu.dma_memcpy_nd (%jobs[0, 0, 0, 0][1, 1, 1, 8192][0, 0, 0, 1]) {metadata = @job, id = 0 : i64} : memref<8192xi8>
      aiex.npu.dma_memcpy_nd (%x[0, 0, 0, 0][1, 1, 1, 32768][0, 0, 0, 1]) {metadata = @x, id = 1 : i64} : memref<32768xi32>
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][4, 1, 1, 12288][0, 0, 0, 1]) {metadata = @b, id = 2 : i64} : memref<12288xi8>
      aiex.npu.dma_wait {symbol = @g}
    }
  }
}
