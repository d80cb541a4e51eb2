// A core tile has 16 locks.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    aie.objectfifo @in(%shim, {%core}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @out(%core, {%shim}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @s0(%core, {%core}, 2 : i32) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @s1(%core, {%core}, 2 : i32) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @s2(%core, {%core}, 2 : i32) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @s3(%core, {%core}, 2 : i32) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @s4(%core, {%core}, 2 : i32) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @s5(%core, {%core}, 2 : i32) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @s6(%core, {%core}, 2 : i32) : !aie.objectfifo<memref<64xi32>>
    func.func private @copy64(memref<64xi32>, memref<64xi32>)
    aie.core(%core) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %cmax = arith.constant 4294967295 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %p0s = aie.objectfifo.acquire @s0(Produce, 1) : !aie.objectfifosubview<memref<64xi32>>
        %p0 = aie.objectfifo.subview.access %p0s[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        aie.objectfifo.release @s0(Produce, 1)
        %q0s = aie.objectfifo.acquire @s0(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %q0 = aie.objectfifo.subview.access %q0s[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        aie.objectfifo.release @s0(Consume, 1)
        %p1s = aie.objectfifo.acquire @s1(Produce, 1) : !aie.objectfifosubview<memref<64xi32>>
        %p1 = aie.objectfifo.subview.access %p1s[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        aie.objectfifo.release @s1(Produce, 1)
        %q1s = aie.objectfifo.acquire @s1(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %q1 = aie.objectfifo.subview.access %q1s[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        aie.objectfifo.release @s1(Consume, 1)
        %p2s = aie.objectfifo.acquire @s2(Produce, 1) : !aie.objectfifosubview<memref<64xi32>>
        %p2 = aie.objectfifo.subview.access %p2s[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        aie.objectfifo.release @s2(Produce, 1)
        %q2s = aie.objectfifo.acquire @s2(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %q2 = aie.objectfifo.subview.access %q2s[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        aie.objectfifo.release @s2(Consume, 1)
        %p3s = aie.objectfifo.acquire @s3(Produce, 1) : !aie.objectfifosubview<memref<64xi32>>
        %p3 = aie.objectfifo.subview.access %p3s[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        aie.objectfifo.release @s3(Produce, 1)
        %q3s = aie.objectfifo.acquire @s3(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %q3 = aie.objectfifo.subview.access %q3s[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        aie.objectfifo.release @s3(Consume, 1)
        %p4s = aie.objectfifo.acquire @s4(Produce, 1) : !aie.objectfifosubview<memref<64xi32>>
        %p4 = aie.objectfifo.subview.access %p4s[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        aie.objectfifo.release @s4(Produce, 1)
        %q4s = aie.objectfifo.acquire @s4(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %q4 = aie.objectfifo.subview.access %q4s[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        aie.objectfifo.release @s4(Consume, 1)
        %p5s = aie.objectfifo.acquire @s5(Produce, 1) : !aie.objectfifosubview<memref<64xi32>>
        %p5 = aie.objectfifo.subview.access %p5s[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        aie.objectfifo.release @s5(Produce, 1)
        %q5s = aie.objectfifo.acquire @s5(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %q5 = aie.objectfifo.subview.access %q5s[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        aie.objectfifo.release @s5(Consume, 1)
        %p6s = aie.objectfifo.acquire @s6(Produce, 1) : !aie.objectfifosubview<memref<64xi32>>
        %p6 = aie.objectfifo.subview.access %p6s[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        aie.objectfifo.release @s6(Produce, 1)
        %q6s = aie.objectfifo.acquire @s6(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %q6 = aie.objectfifo.subview.access %q6s[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        aie.objectfifo.release @s6(Consume, 1)
        %is = aie.objectfifo.acquire @in(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %i = aie.objectfifo.subview.access %is[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        %os = aie.objectfifo.acquire @out(Produce, 1) : !aie.objectfifosubview<memref<64xi32>>
        %o = aie.objectfifo.subview.access %os[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        func.call @copy64(%i, %o) : (memref<64xi32>, memref<64xi32>) -> ()
        aie.objectfifo.release @in(Consume, 1)
        aie.objectfifo.release @out(Produce, 1)
      }
      aie.end
    } {stack_size = 1024 : i32, link_with = "copy64.o"}
    aie.runtime_sequence(%a : memref<1024xi32>, %b : memref<1024xi32>) {
      aiex.npu.dma_memcpy_nd(%b[0, 0, 0, 0][1, 1, 1, 1024][0, 0, 0, 1]) {metadata = @out, id = 0 : i64} : memref<1024xi32>
      aiex.npu.dma_memcpy_nd(%a[0, 0, 0, 0][1, 1, 1, 1024][0, 0, 0, 1]) {metadata = @in, id = 1 : i64} : memref<1024xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
