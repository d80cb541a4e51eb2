// SPDX-License-Identifier: LGPL-2.1-or-later
// Four cores, one a column, each one head of attention, all at the same time; written by
// generate.py, do not edit. The program of a core is attention.mlir's. Contracts, layouts and the
// parameter object: kernels/aie2/aie2.h. Text: mlir-aie 5ff2ab97d (March 2026).
//
//   shim (c,0) MM2S 0 --- @q_c ---> S2MM 0 core (c,2)   parameters, then Q as two A16 a tile
//              MM2S 1 --- @kv_c --> S2MM 1              a block of keys: two K16, two A16 of V
//              S2MM 0 <-- @o_c ---- MM2S 0              two A16 a tile of queries
//
// A job: 1 parameter object, then count[1] tiles of queries; count[0] blocks of keys for each.
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

    aie.objectfifo @q_0(%shim0, {%t0}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @kv_0(%shim0, {%t0}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @o_0(%t0, {%shim0}, [1, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @q_1(%shim1, {%t1}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @kv_1(%shim1, {%t1}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @o_1(%t1, {%shim1}, [1, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @q_2(%shim2, {%t2}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @kv_2(%shim2, {%t2}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @o_2(%t2, {%shim2}, [1, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @q_3(%shim3, {%t3}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @kv_3(%shim3, {%t3}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @o_3(%t3, {%shim3}, [1, 2]) : !aie.objectfifo<memref<4096xi8>>

    func.func private @npu_job_begin(memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
    func.func private @npu_attention_begin(memref<768xi32>, memref<4096xi32>) -> ()
    func.func private @npu_attention_scores(memref<1024xi32>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<768xi32>, memref<4096xi16>, i32, i32) -> ()
    func.func private @npu_attention_weights(memref<2048xi16>, memref<2048xi16>, memref<768xi32>, memref<4096xi16>, memref<4096xi32>) -> ()
    func.func private @npu_attention_values(memref<4096xi16>, memref<4096xi8>, memref<4096xi32>, i32) -> ()
    func.func private @npu_attention_finish(memref<768xi32>, memref<4096xi32>, memref<4096xi8>, i32) -> ()

    %job0 = aie.buffer(%t0) {sym_name = "job0"} : memref<1024xi32>
    %lut_ab0 = aie.buffer(%t0) {sym_name = "lut_ab0"} : memref<2048xi16>
    %lut_cd0 = aie.buffer(%t0) {sym_name = "lut_cd0"} : memref<2048xi16>
    %state0 = aie.buffer(%t0) {sym_name = "state0"} : memref<768xi32>
    %weights0 = aie.buffer(%t0) {sym_name = "weights0"} : memref<4096xi16>
    %sums0 = aie.buffer(%t0) {sym_name = "sums0"} : memref<4096xi32>
    %core0 = aie.core(%t0) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %cmax = arith.constant 9223372036854775807 : index
      %w0 = arith.constant 0 : i32
      %w1 = arith.constant 1 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        %object_v = aie.objectfifo.acquire @q_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %object = aie.objectfifo.subview.access %object_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_job_begin(%object, %job0, %lut_ab0, %lut_cd0) : (memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
        aie.objectfifo.release @q_0(Consume, 1)
        %blocks_w = memref.load %job0[%c0] : memref<1024xi32>
        %blocks = arith.index_cast %blocks_w : i32 to index
        %tiles_w = memref.load %job0[%c1] : memref<1024xi32>
        %tiles = arith.index_cast %tiles_w : i32 to index
        scf.for %t = %c0 to %tiles step %c1 {
          %q0_v = aie.objectfifo.acquire @q_0(Consume, 2) : !aie.objectfifosubview<memref<4096xi8>>
          %q0 = aie.objectfifo.subview.access %q0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %q1 = aie.objectfifo.subview.access %q0_v[1] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_attention_begin(%state0, %sums0) : (memref<768xi32>, memref<4096xi32>) -> ()
          scf.for %b = %c0 to %blocks step %c1 {
            %block = arith.index_cast %b : index to i32
            %k0_v = aie.objectfifo.acquire @kv_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %k0 = aie.objectfifo.subview.access %k0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            func.call @npu_attention_scores(%job0, %q0, %q1, %k0, %state0, %weights0, %block, %w0) : (memref<1024xi32>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<768xi32>, memref<4096xi16>, i32, i32) -> ()
            aie.objectfifo.release @kv_0(Consume, 1)
            %k1_v = aie.objectfifo.acquire @kv_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %k1 = aie.objectfifo.subview.access %k1_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            func.call @npu_attention_scores(%job0, %q0, %q1, %k1, %state0, %weights0, %block, %w1) : (memref<1024xi32>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<768xi32>, memref<4096xi16>, i32, i32) -> ()
            aie.objectfifo.release @kv_0(Consume, 1)
            func.call @npu_attention_weights(%lut_ab0, %lut_cd0, %state0, %weights0, %sums0) : (memref<2048xi16>, memref<2048xi16>, memref<768xi32>, memref<4096xi16>, memref<4096xi32>) -> ()
            %v0_v = aie.objectfifo.acquire @kv_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %v0 = aie.objectfifo.subview.access %v0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            func.call @npu_attention_values(%weights0, %v0, %sums0, %w0) : (memref<4096xi16>, memref<4096xi8>, memref<4096xi32>, i32) -> ()
            aie.objectfifo.release @kv_0(Consume, 1)
            %v1_v = aie.objectfifo.acquire @kv_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %v1 = aie.objectfifo.subview.access %v1_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            func.call @npu_attention_values(%weights0, %v1, %sums0, %w1) : (memref<4096xi16>, memref<4096xi8>, memref<4096xi32>, i32) -> ()
            aie.objectfifo.release @kv_0(Consume, 1)
          }
          aie.objectfifo.release @q_0(Consume, 2)
          %o0_v = aie.objectfifo.acquire @o_0(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %o0 = aie.objectfifo.subview.access %o0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_attention_finish(%state0, %sums0, %o0, %w0) : (memref<768xi32>, memref<4096xi32>, memref<4096xi8>, i32) -> ()
          aie.objectfifo.release @o_0(Produce, 1)
          %o1_v = aie.objectfifo.acquire @o_0(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %o1 = aie.objectfifo.subview.access %o1_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_attention_finish(%state0, %sums0, %o1, %w1) : (memref<768xi32>, memref<4096xi32>, memref<4096xi8>, i32) -> ()
          aie.objectfifo.release @o_0(Produce, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 3072 : i32, link_with = "npu_core.o"}

    %job1 = aie.buffer(%t1) {sym_name = "job1"} : memref<1024xi32>
    %lut_ab1 = aie.buffer(%t1) {sym_name = "lut_ab1"} : memref<2048xi16>
    %lut_cd1 = aie.buffer(%t1) {sym_name = "lut_cd1"} : memref<2048xi16>
    %state1 = aie.buffer(%t1) {sym_name = "state1"} : memref<768xi32>
    %weights1 = aie.buffer(%t1) {sym_name = "weights1"} : memref<4096xi16>
    %sums1 = aie.buffer(%t1) {sym_name = "sums1"} : memref<4096xi32>
    %core1 = aie.core(%t1) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %cmax = arith.constant 9223372036854775807 : index
      %w0 = arith.constant 0 : i32
      %w1 = arith.constant 1 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        %object_v = aie.objectfifo.acquire @q_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %object = aie.objectfifo.subview.access %object_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_job_begin(%object, %job1, %lut_ab1, %lut_cd1) : (memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
        aie.objectfifo.release @q_1(Consume, 1)
        %blocks_w = memref.load %job1[%c0] : memref<1024xi32>
        %blocks = arith.index_cast %blocks_w : i32 to index
        %tiles_w = memref.load %job1[%c1] : memref<1024xi32>
        %tiles = arith.index_cast %tiles_w : i32 to index
        scf.for %t = %c0 to %tiles step %c1 {
          %q0_v = aie.objectfifo.acquire @q_1(Consume, 2) : !aie.objectfifosubview<memref<4096xi8>>
          %q0 = aie.objectfifo.subview.access %q0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %q1 = aie.objectfifo.subview.access %q0_v[1] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_attention_begin(%state1, %sums1) : (memref<768xi32>, memref<4096xi32>) -> ()
          scf.for %b = %c0 to %blocks step %c1 {
            %block = arith.index_cast %b : index to i32
            %k0_v = aie.objectfifo.acquire @kv_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %k0 = aie.objectfifo.subview.access %k0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            func.call @npu_attention_scores(%job1, %q0, %q1, %k0, %state1, %weights1, %block, %w0) : (memref<1024xi32>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<768xi32>, memref<4096xi16>, i32, i32) -> ()
            aie.objectfifo.release @kv_1(Consume, 1)
            %k1_v = aie.objectfifo.acquire @kv_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %k1 = aie.objectfifo.subview.access %k1_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            func.call @npu_attention_scores(%job1, %q0, %q1, %k1, %state1, %weights1, %block, %w1) : (memref<1024xi32>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<768xi32>, memref<4096xi16>, i32, i32) -> ()
            aie.objectfifo.release @kv_1(Consume, 1)
            func.call @npu_attention_weights(%lut_ab1, %lut_cd1, %state1, %weights1, %sums1) : (memref<2048xi16>, memref<2048xi16>, memref<768xi32>, memref<4096xi16>, memref<4096xi32>) -> ()
            %v0_v = aie.objectfifo.acquire @kv_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %v0 = aie.objectfifo.subview.access %v0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            func.call @npu_attention_values(%weights1, %v0, %sums1, %w0) : (memref<4096xi16>, memref<4096xi8>, memref<4096xi32>, i32) -> ()
            aie.objectfifo.release @kv_1(Consume, 1)
            %v1_v = aie.objectfifo.acquire @kv_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %v1 = aie.objectfifo.subview.access %v1_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            func.call @npu_attention_values(%weights1, %v1, %sums1, %w1) : (memref<4096xi16>, memref<4096xi8>, memref<4096xi32>, i32) -> ()
            aie.objectfifo.release @kv_1(Consume, 1)
          }
          aie.objectfifo.release @q_1(Consume, 2)
          %o0_v = aie.objectfifo.acquire @o_1(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %o0 = aie.objectfifo.subview.access %o0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_attention_finish(%state1, %sums1, %o0, %w0) : (memref<768xi32>, memref<4096xi32>, memref<4096xi8>, i32) -> ()
          aie.objectfifo.release @o_1(Produce, 1)
          %o1_v = aie.objectfifo.acquire @o_1(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %o1 = aie.objectfifo.subview.access %o1_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_attention_finish(%state1, %sums1, %o1, %w1) : (memref<768xi32>, memref<4096xi32>, memref<4096xi8>, i32) -> ()
          aie.objectfifo.release @o_1(Produce, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 3072 : i32, link_with = "npu_core.o"}

    %job2 = aie.buffer(%t2) {sym_name = "job2"} : memref<1024xi32>
    %lut_ab2 = aie.buffer(%t2) {sym_name = "lut_ab2"} : memref<2048xi16>
    %lut_cd2 = aie.buffer(%t2) {sym_name = "lut_cd2"} : memref<2048xi16>
    %state2 = aie.buffer(%t2) {sym_name = "state2"} : memref<768xi32>
    %weights2 = aie.buffer(%t2) {sym_name = "weights2"} : memref<4096xi16>
    %sums2 = aie.buffer(%t2) {sym_name = "sums2"} : memref<4096xi32>
    %core2 = aie.core(%t2) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %cmax = arith.constant 9223372036854775807 : index
      %w0 = arith.constant 0 : i32
      %w1 = arith.constant 1 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        %object_v = aie.objectfifo.acquire @q_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %object = aie.objectfifo.subview.access %object_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_job_begin(%object, %job2, %lut_ab2, %lut_cd2) : (memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
        aie.objectfifo.release @q_2(Consume, 1)
        %blocks_w = memref.load %job2[%c0] : memref<1024xi32>
        %blocks = arith.index_cast %blocks_w : i32 to index
        %tiles_w = memref.load %job2[%c1] : memref<1024xi32>
        %tiles = arith.index_cast %tiles_w : i32 to index
        scf.for %t = %c0 to %tiles step %c1 {
          %q0_v = aie.objectfifo.acquire @q_2(Consume, 2) : !aie.objectfifosubview<memref<4096xi8>>
          %q0 = aie.objectfifo.subview.access %q0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %q1 = aie.objectfifo.subview.access %q0_v[1] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_attention_begin(%state2, %sums2) : (memref<768xi32>, memref<4096xi32>) -> ()
          scf.for %b = %c0 to %blocks step %c1 {
            %block = arith.index_cast %b : index to i32
            %k0_v = aie.objectfifo.acquire @kv_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %k0 = aie.objectfifo.subview.access %k0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            func.call @npu_attention_scores(%job2, %q0, %q1, %k0, %state2, %weights2, %block, %w0) : (memref<1024xi32>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<768xi32>, memref<4096xi16>, i32, i32) -> ()
            aie.objectfifo.release @kv_2(Consume, 1)
            %k1_v = aie.objectfifo.acquire @kv_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %k1 = aie.objectfifo.subview.access %k1_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            func.call @npu_attention_scores(%job2, %q0, %q1, %k1, %state2, %weights2, %block, %w1) : (memref<1024xi32>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<768xi32>, memref<4096xi16>, i32, i32) -> ()
            aie.objectfifo.release @kv_2(Consume, 1)
            func.call @npu_attention_weights(%lut_ab2, %lut_cd2, %state2, %weights2, %sums2) : (memref<2048xi16>, memref<2048xi16>, memref<768xi32>, memref<4096xi16>, memref<4096xi32>) -> ()
            %v0_v = aie.objectfifo.acquire @kv_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %v0 = aie.objectfifo.subview.access %v0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            func.call @npu_attention_values(%weights2, %v0, %sums2, %w0) : (memref<4096xi16>, memref<4096xi8>, memref<4096xi32>, i32) -> ()
            aie.objectfifo.release @kv_2(Consume, 1)
            %v1_v = aie.objectfifo.acquire @kv_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %v1 = aie.objectfifo.subview.access %v1_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            func.call @npu_attention_values(%weights2, %v1, %sums2, %w1) : (memref<4096xi16>, memref<4096xi8>, memref<4096xi32>, i32) -> ()
            aie.objectfifo.release @kv_2(Consume, 1)
          }
          aie.objectfifo.release @q_2(Consume, 2)
          %o0_v = aie.objectfifo.acquire @o_2(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %o0 = aie.objectfifo.subview.access %o0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_attention_finish(%state2, %sums2, %o0, %w0) : (memref<768xi32>, memref<4096xi32>, memref<4096xi8>, i32) -> ()
          aie.objectfifo.release @o_2(Produce, 1)
          %o1_v = aie.objectfifo.acquire @o_2(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %o1 = aie.objectfifo.subview.access %o1_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_attention_finish(%state2, %sums2, %o1, %w1) : (memref<768xi32>, memref<4096xi32>, memref<4096xi8>, i32) -> ()
          aie.objectfifo.release @o_2(Produce, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 3072 : i32, link_with = "npu_core.o"}

    %job3 = aie.buffer(%t3) {sym_name = "job3"} : memref<1024xi32>
    %lut_ab3 = aie.buffer(%t3) {sym_name = "lut_ab3"} : memref<2048xi16>
    %lut_cd3 = aie.buffer(%t3) {sym_name = "lut_cd3"} : memref<2048xi16>
    %state3 = aie.buffer(%t3) {sym_name = "state3"} : memref<768xi32>
    %weights3 = aie.buffer(%t3) {sym_name = "weights3"} : memref<4096xi16>
    %sums3 = aie.buffer(%t3) {sym_name = "sums3"} : memref<4096xi32>
    %core3 = aie.core(%t3) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %cmax = arith.constant 9223372036854775807 : index
      %w0 = arith.constant 0 : i32
      %w1 = arith.constant 1 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        %object_v = aie.objectfifo.acquire @q_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %object = aie.objectfifo.subview.access %object_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_job_begin(%object, %job3, %lut_ab3, %lut_cd3) : (memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
        aie.objectfifo.release @q_3(Consume, 1)
        %blocks_w = memref.load %job3[%c0] : memref<1024xi32>
        %blocks = arith.index_cast %blocks_w : i32 to index
        %tiles_w = memref.load %job3[%c1] : memref<1024xi32>
        %tiles = arith.index_cast %tiles_w : i32 to index
        scf.for %t = %c0 to %tiles step %c1 {
          %q0_v = aie.objectfifo.acquire @q_3(Consume, 2) : !aie.objectfifosubview<memref<4096xi8>>
          %q0 = aie.objectfifo.subview.access %q0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %q1 = aie.objectfifo.subview.access %q0_v[1] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_attention_begin(%state3, %sums3) : (memref<768xi32>, memref<4096xi32>) -> ()
          scf.for %b = %c0 to %blocks step %c1 {
            %block = arith.index_cast %b : index to i32
            %k0_v = aie.objectfifo.acquire @kv_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %k0 = aie.objectfifo.subview.access %k0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            func.call @npu_attention_scores(%job3, %q0, %q1, %k0, %state3, %weights3, %block, %w0) : (memref<1024xi32>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<768xi32>, memref<4096xi16>, i32, i32) -> ()
            aie.objectfifo.release @kv_3(Consume, 1)
            %k1_v = aie.objectfifo.acquire @kv_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %k1 = aie.objectfifo.subview.access %k1_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            func.call @npu_attention_scores(%job3, %q0, %q1, %k1, %state3, %weights3, %block, %w1) : (memref<1024xi32>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<768xi32>, memref<4096xi16>, i32, i32) -> ()
            aie.objectfifo.release @kv_3(Consume, 1)
            func.call @npu_attention_weights(%lut_ab3, %lut_cd3, %state3, %weights3, %sums3) : (memref<2048xi16>, memref<2048xi16>, memref<768xi32>, memref<4096xi16>, memref<4096xi32>) -> ()
            %v0_v = aie.objectfifo.acquire @kv_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %v0 = aie.objectfifo.subview.access %v0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            func.call @npu_attention_values(%weights3, %v0, %sums3, %w0) : (memref<4096xi16>, memref<4096xi8>, memref<4096xi32>, i32) -> ()
            aie.objectfifo.release @kv_3(Consume, 1)
            %v1_v = aie.objectfifo.acquire @kv_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %v1 = aie.objectfifo.subview.access %v1_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            func.call @npu_attention_values(%weights3, %v1, %sums3, %w1) : (memref<4096xi16>, memref<4096xi8>, memref<4096xi32>, i32) -> ()
            aie.objectfifo.release @kv_3(Consume, 1)
          }
          aie.objectfifo.release @q_3(Consume, 2)
          %o0_v = aie.objectfifo.acquire @o_3(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %o0 = aie.objectfifo.subview.access %o0_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_attention_finish(%state3, %sums3, %o0, %w0) : (memref<768xi32>, memref<4096xi32>, memref<4096xi8>, i32) -> ()
          aie.objectfifo.release @o_3(Produce, 1)
          %o1_v = aie.objectfifo.acquire @o_3(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %o1 = aie.objectfifo.subview.access %o1_v[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @npu_attention_finish(%state3, %sums3, %o1, %w1) : (memref<768xi32>, memref<4096xi32>, memref<4096xi8>, i32) -> ()
          aie.objectfifo.release @o_3(Produce, 1)
        }
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 3072 : i32, link_with = "npu_core.o"}

    // Four heads, 128 queries each against 1500 keys (24 blocks). Part c of each buffer is head c's.
    aie.runtime_sequence @sequence(%q: memref<81920xi8>, %kv: memref<1572864xi8>, %o: memref<65536xi8>) {
      aiex.npu.dma_memcpy_nd (%o[0, 0, 0, 0][1, 1, 1, 16384][0, 0, 0, 1]) {metadata = @o_0, id = 0 : i64, issue_token = true} : memref<65536xi8>
      aiex.npu.dma_memcpy_nd (%q[0, 0, 0, 0][1, 1, 1, 20480][0, 0, 0, 1]) {metadata = @q_0, id = 1 : i64} : memref<81920xi8>
      aiex.npu.dma_memcpy_nd (%kv[0, 0, 0, 0][2, 1, 1, 393216][0, 0, 0, 1]) {metadata = @kv_0, id = 2 : i64} : memref<1572864xi8>
      aiex.npu.dma_memcpy_nd (%o[0, 0, 0, 16384][1, 1, 1, 16384][0, 0, 0, 1]) {metadata = @o_1, id = 0 : i64, issue_token = true} : memref<65536xi8>
      aiex.npu.dma_memcpy_nd (%q[0, 0, 0, 20480][1, 1, 1, 20480][0, 0, 0, 1]) {metadata = @q_1, id = 1 : i64} : memref<81920xi8>
      aiex.npu.dma_memcpy_nd (%kv[0, 0, 0, 393216][2, 1, 1, 393216][0, 0, 0, 1]) {metadata = @kv_1, id = 2 : i64} : memref<1572864xi8>
      aiex.npu.dma_memcpy_nd (%o[0, 0, 0, 32768][1, 1, 1, 16384][0, 0, 0, 1]) {metadata = @o_2, id = 0 : i64, issue_token = true} : memref<65536xi8>
      aiex.npu.dma_memcpy_nd (%q[0, 0, 0, 40960][1, 1, 1, 20480][0, 0, 0, 1]) {metadata = @q_2, id = 1 : i64} : memref<81920xi8>
      aiex.npu.dma_memcpy_nd (%kv[0, 0, 0, 786432][2, 1, 1, 393216][0, 0, 0, 1]) {metadata = @kv_2, id = 2 : i64} : memref<1572864xi8>
      aiex.npu.dma_memcpy_nd (%o[0, 0, 0, 49152][1, 1, 1, 16384][0, 0, 0, 1]) {metadata = @o_3, id = 0 : i64, issue_token = true} : memref<65536xi8>
      aiex.npu.dma_memcpy_nd (%q[0, 0, 0, 61440][1, 1, 1, 20480][0, 0, 0, 1]) {metadata = @q_3, id = 1 : i64} : memref<81920xi8>
      aiex.npu.dma_memcpy_nd (%kv[0, 0, 0, 1179648][2, 1, 1, 393216][0, 0, 0, 1]) {metadata = @kv_3, id = 2 : i64} : memref<1572864xi8>
      aiex.npu.dma_wait {symbol = @o_0}
      aiex.npu.dma_wait {symbol = @o_1}
      aiex.npu.dma_wait {symbol = @o_2}
      aiex.npu.dma_wait {symbol = @o_3}
    }
  }
}
