// SPDX-License-Identifier: LGPL-2.1-or-later
// One core, one head of attention over one block: 64 queries against at most 64 keys, again and again.
// Contracts, layouts and the parameter object: kernels/aie2/aie2.h. Text: mlir-aie 5ff2ab97d.
//
//   shim (0,0) MM2S 0 --- @q ---> S2MM 0 core (0,2)   parameters, then Q as two A16
//              MM2S 1 --- @kv --> S2MM 1              two K16, two A16 of V
//              S2MM 0 <-- @o ---- MM2S 0              two A16
//
// Each round takes one parameter object, one tile of queries and one block of keys; the parameters
// hold no counts.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %tile = aie.tile(0, 2)

    aie.objectfifo @q(%shim, {%tile}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @kv(%shim, {%tile}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @o(%tile, {%shim}, [1, 2]) : !aie.objectfifo<memref<4096xi8>>

    %job = aie.buffer(%tile) {sym_name = "job"} : memref<1024xi32>
    %lut_ab = aie.buffer(%tile) {sym_name = "lut_ab"} : memref<2048xi16>
    %lut_cd = aie.buffer(%tile) {sym_name = "lut_cd"} : memref<2048xi16>
    %state = aie.buffer(%tile) {sym_name = "state"} : memref<768xi32>
    %weights = aie.buffer(%tile) {sym_name = "weights"} : memref<4096xi16>
    %sums = aie.buffer(%tile) {sym_name = "sums"} : memref<4096xi32>

    func.func private @npu_job_begin(memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
    func.func private @npu_attention_begin(memref<768xi32>, memref<4096xi32>) -> ()
    func.func private @npu_attention_scores(memref<1024xi32>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<768xi32>, memref<4096xi16>, i32, i32) -> ()
    func.func private @npu_attention_weights(memref<2048xi16>, memref<2048xi16>, memref<768xi32>, memref<4096xi16>, memref<4096xi32>) -> ()
    func.func private @npu_attention_values(memref<4096xi16>, memref<4096xi8>, memref<4096xi32>, i32) -> ()
    func.func private @npu_attention_finish(memref<768xi32>, memref<4096xi32>, memref<4096xi8>, i32) -> ()

    %core = aie.core(%tile) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %cmax = arith.constant 9223372036854775807 : index
      %part0 = arith.constant 0 : i32
      %part1 = arith.constant 1 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        %jv = aie.objectfifo.acquire @q(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %jo = aie.objectfifo.subview.access %jv[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_job_begin(%jo, %job, %lut_ab, %lut_cd) : (memref<4096xi8>, memref<1024xi32>, memref<2048xi16>, memref<2048xi16>) -> ()
        aie.objectfifo.release @q(Consume, 1)
        %qv = aie.objectfifo.acquire @q(Consume, 2) : !aie.objectfifosubview<memref<4096xi8>>
        %q0 = aie.objectfifo.subview.access %qv[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        %q1 = aie.objectfifo.subview.access %qv[1] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_attention_begin(%state, %sums) : (memref<768xi32>, memref<4096xi32>) -> ()
        %kv0 = aie.objectfifo.acquire @kv(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %k0 = aie.objectfifo.subview.access %kv0[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_attention_scores(%job, %q0, %q1, %k0, %state, %weights, %part0, %part0) : (memref<1024xi32>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<768xi32>, memref<4096xi16>, i32, i32) -> ()
        aie.objectfifo.release @kv(Consume, 1)
        %kv1 = aie.objectfifo.acquire @kv(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %k1 = aie.objectfifo.subview.access %kv1[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_attention_scores(%job, %q0, %q1, %k1, %state, %weights, %part0, %part1) : (memref<1024xi32>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<768xi32>, memref<4096xi16>, i32, i32) -> ()
        aie.objectfifo.release @kv(Consume, 1)
        func.call @npu_attention_weights(%lut_ab, %lut_cd, %state, %weights, %sums) : (memref<2048xi16>, memref<2048xi16>, memref<768xi32>, memref<4096xi16>, memref<4096xi32>) -> ()
        %kv2 = aie.objectfifo.acquire @kv(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %v0 = aie.objectfifo.subview.access %kv2[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_attention_values(%weights, %v0, %sums, %part0) : (memref<4096xi16>, memref<4096xi8>, memref<4096xi32>, i32) -> ()
        aie.objectfifo.release @kv(Consume, 1)
        %kv3 = aie.objectfifo.acquire @kv(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %v1 = aie.objectfifo.subview.access %kv3[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_attention_values(%weights, %v1, %sums, %part1) : (memref<4096xi16>, memref<4096xi8>, memref<4096xi32>, i32) -> ()
        aie.objectfifo.release @kv(Consume, 1)
        aie.objectfifo.release @q(Consume, 2)
        %ov0 = aie.objectfifo.acquire @o(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %o0 = aie.objectfifo.subview.access %ov0[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_attention_finish(%state, %sums, %o0, %part0) : (memref<768xi32>, memref<4096xi32>, memref<4096xi8>, i32) -> ()
        aie.objectfifo.release @o(Produce, 1)
        %ov1 = aie.objectfifo.acquire @o(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
        %o1 = aie.objectfifo.subview.access %ov1[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        func.call @npu_attention_finish(%state, %sums, %o1, %part1) : (memref<768xi32>, memref<4096xi32>, memref<4096xi8>, i32) -> ()
        aie.objectfifo.release @o(Produce, 1)
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 3072 : i32, link_with = "npu_core.o"}

    // 16 blocks.
    aie.runtime_sequence @sequence(%q: memref<196608xi8>, %kv: memref<262144xi8>, %o: memref<131072xi8>) {
      aiex.npu.dma_memcpy_nd (%o[0, 0, 0, 0][1, 1, 1, 131072][0, 0, 0, 1]) {metadata = @o, id = 0 : i64, issue_token = true} : memref<131072xi8>
      aiex.npu.dma_memcpy_nd (%q[0, 0, 0, 0][1, 1, 1, 196608][0, 0, 0, 1]) {metadata = @q, id = 1 : i64} : memref<196608xi8>
      aiex.npu.dma_memcpy_nd (%kv[0, 0, 0, 0][1, 1, 1, 262144][0, 0, 0, 1]) {metadata = @kv, id = 2 : i64} : memref<262144xi8>
      aiex.npu.dma_wait {symbol = @o}
    }
  }
}
