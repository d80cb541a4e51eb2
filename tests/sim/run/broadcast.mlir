// One stream to three cores, each adds its number; the results are joined in the mem tile.
module {
  aie.device(npu1_1col) {
    %shim = aie.tile(0, 0)
    %mem = aie.tile(0, 1)
    %t2 = aie.tile(0, 2)
    %t3 = aie.tile(0, 3)
    %t5 = aie.tile(0, 5)
    aie.objectfifo @in(%shim, {%mem}, 2 : i32) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @all(%mem, {%t2, %t3, %t5}, [2, 2, 1, 3]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo.link [@in] -> [@all] ([] [])
    aie.objectfifo @r2(%t2, {%mem}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @r3(%t3, {%mem}, [1, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @r5(%t5, {%mem}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @out(%mem, {%shim}, 2 : i32) : !aie.objectfifo<memref<192xi32>>
    aie.objectfifo.link [@r2, @r3, @r5] -> [@out] ([0, 64, 128] [])
    func.func private @add(memref<64xi32>, memref<64xi32>, i32, i32) -> ()
    aie.core(%t2) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %n = arith.constant 64 : i32
      %add = arith.constant 2 : i32
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %iv = aie.objectfifo.acquire @all(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %i = aie.objectfifo.subview.access %iv[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        %ov = aie.objectfifo.acquire @r2(Produce, 1) : !aie.objectfifosubview<memref<64xi32>>
        %o = aie.objectfifo.subview.access %ov[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        func.call @add(%i, %o, %n, %add) : (memref<64xi32>, memref<64xi32>, i32, i32) -> ()
        aie.objectfifo.release @all(Consume, 1)
        aie.objectfifo.release @r2(Produce, 1)
      }
      aie.end
    } {stack_size = 1024 : i32}
    aie.core(%t3) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %n = arith.constant 64 : i32
      %add = arith.constant 3 : i32
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %iv = aie.objectfifo.acquire @all(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %i = aie.objectfifo.subview.access %iv[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        %ov = aie.objectfifo.acquire @r3(Produce, 1) : !aie.objectfifosubview<memref<64xi32>>
        %o = aie.objectfifo.subview.access %ov[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        func.call @add(%i, %o, %n, %add) : (memref<64xi32>, memref<64xi32>, i32, i32) -> ()
        aie.objectfifo.release @all(Consume, 1)
        aie.objectfifo.release @r3(Produce, 1)
      }
      aie.end
    } {stack_size = 1024 : i32}
    aie.core(%t5) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %n = arith.constant 64 : i32
      %add = arith.constant 5 : i32
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %iv = aie.objectfifo.acquire @all(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %i = aie.objectfifo.subview.access %iv[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        %ov = aie.objectfifo.acquire @r5(Produce, 1) : !aie.objectfifosubview<memref<64xi32>>
        %o = aie.objectfifo.subview.access %ov[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        func.call @add(%i, %o, %n, %add) : (memref<64xi32>, memref<64xi32>, i32, i32) -> ()
        aie.objectfifo.release @all(Consume, 1)
        aie.objectfifo.release @r5(Produce, 1)
      }
      aie.end
    } {stack_size = 1024 : i32}
    aie.runtime_sequence(%a : memref<320xi32>, %b : memref<960xi32>) {
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][1, 1, 1, 960][0, 0, 0, 1]) {metadata = @out, id = 1 : i64} : memref<960xi32>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 0][1, 1, 1, 320][0, 0, 0, 1]) {metadata = @in, id = 0 : i64} : memref<320xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
