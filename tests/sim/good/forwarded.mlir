// A mem tile takes 16 words at a time and hands them on as two objects of 8; no function is called.
module {
  aie.device(npu1_1col) {
    %shim = aie.tile(0, 0)
    %mem = aie.tile(0, 1)
    %core = aie.tile(0, 2)
    aie.objectfifo @in(%shim, {%mem}, 2 : i32) : !aie.objectfifo<memref<16xi32>>
    aie.objectfifo @in_half(%mem, {%core}, 2 : i32) : !aie.objectfifo<memref<8xi32>>
    aie.objectfifo.link [@in] -> [@in_half] ([] [])
    aie.objectfifo @out_half(%core, {%mem}, 2 : i32) : !aie.objectfifo<memref<8xi32>>
    aie.objectfifo @out(%mem, {%shim}, 2 : i32) : !aie.objectfifo<memref<16xi32>>
    aie.objectfifo.link [@out_half] -> [@out] ([] [])
    func.func private @unused(%in: memref<128xui8>, %out: memref<128xui8>, %width: i32) -> ()
    aie.core(%core) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c8 = arith.constant 8 : index
      %one = arith.constant 1 : i32
      scf.for %step = %c0 to %c8 step %c1 {
        %subview0 = aie.objectfifo.acquire @in_half(Consume, 1) : !aie.objectfifosubview<memref<8xi32>>
        %elem0 = aie.objectfifo.subview.access %subview0[0] : !aie.objectfifosubview<memref<8xi32>> -> memref<8xi32>
        %subview1 = aie.objectfifo.acquire @out_half(Produce, 1) : !aie.objectfifosubview<memref<8xi32>>
        %elem1 = aie.objectfifo.subview.access %subview1[0] : !aie.objectfifosubview<memref<8xi32>> -> memref<8xi32>
        scf.for %i = %c0 to %c8 step %c1 {
          %0 = memref.load %elem0[%i] : memref<8xi32>
          %1 = arith.addi %0, %one : i32
          %2 = arith.cmpi "eq", %1, %one : i32
          memref.store %1, %elem1[%i] : memref<8xi32>
        }
        aie.objectfifo.release @in_half(Consume, 1)
        aie.objectfifo.release @out_half(Produce, 1)
      }
      aie.end
    } {stack_size = 1024 : i32}
    aie.runtime_sequence(%x : memref<64xi32>, %unused : memref<32xi32>, %y : memref<64xi32>) {
      %c0 = arith.constant 0 : i64
      %c1 = arith.constant 1 : i64
      %c64 = arith.constant 64 : i64
      aiex.npu.dma_memcpy_nd (%y[%c0, %c0, %c0, %c0][%c1, %c1, %c1, %c64][%c0, %c0, %c0, %c1]) {metadata = @out, id = 1 : i64} : memref<64xi32>
      aiex.npu.dma_memcpy_nd (%x[%c0, %c0, %c0, %c0][%c1, %c1, %c1, %c64][%c0, %c0, %c0, %c1]) {metadata = @in, id = 0 : i64} : memref<64xi32>
      aiex.npu.sync {column = 0 : i32, row = 0 : i32, direction = 0 : i32, channel = 0 : i32, column_num = 1 : i32, row_num = 1 : i32}
    }
  }
}
