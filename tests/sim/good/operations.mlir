// Every operation of the subset once, in the forms of epoch E1: what test_parse.c counts.
module @operations {
  aie.device(npu1) @all {
    %shim = aie.tile(0, 0)
    %mem = aie.tile(0, 1)
    %k = aie.tile(0, 2) {allocation_scheme = "basic-sequential"}
    %n = aie.tile(0, 3)
    aie.objectfifo @in(%shim, {%mem}, 2 : i32) : !aie.objectfifo<memref<64x64xi8>>
    aie.objectfifo @blocks(%mem dimensionsToStream [<size = 16, stride = 256>, <size = 8, stride = 8>,
                                                    <4, 64>, <8, 1>],
                           {%k}, [2, 3]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo.link [@in] -> [@blocks] ([] [])
    aie.objectfifo @out(%k, {%shim}, [2, 2]) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @next(%k, {%n}, 1 : i32) {via_DMA = true, repeat_count = 2 : i32}
        : !aie.objectfifo<memref<4xi16>> = [dense<[1, -2, 3, 4]> : memref<4xi16>]
    %acc = aie.buffer(%k) {sym_name = "acc", address = 16384 : i32, mem_bank = 1 : i32} : memref<64x64xi32>
    %table = aie.buffer(%k) : memref<2x2xi8> = dense<[[1, 2], [0x7F, -1]]>
    %three = arith.constant 3 : i32
    func.func private @job(memref<4096xi8>) -> i32
    func.func private @step(memref<4096xi8>, memref<64x64xi32>, i32) attributes {link_with = "step.o"}
    %core = aie.core(%k) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %true = arith.constant true
      %wide = arith.constant -5 : i64
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %s = aie.objectfifo.acquire @blocks(Consume, 2) : !aie.objectfifosubview<memref<4096xi8>>
        %e = aie.objectfifo.subview.access %s[1] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
        %w = memref.view %e[%c0][] : memref<4096xi8> to memref<1024xi32>
        %v = memref.load %w[%c1] : memref<1024xi32>
        memref.store %v, %acc[%c0, %c1] : memref<64x64xi32>
        %ni = arith.index_cast %v : i32 to index
        %r = func.call @job(%e) : (memref<4096xi8>) -> i32
        %a0 = arith.addi %r, %three overflow<nsw, nuw> : i32
        %a1 = arith.subi %a0, %r : i32
        %a2 = arith.muli %a1, %r : i32
        %a3 = arith.divsi %a2, %r : i32
        %a4 = arith.divui %a3, %r : i32
        %a5 = arith.remsi %a4, %r : i32
        %a6 = arith.remui %a5, %r : i32
        %a7 = arith.ceildivsi %a6, %r : i32
        %a8 = arith.ceildivui %a7, %r : i32
        %a9 = arith.floordivsi %a8, %r : i32
        %b0 = arith.minsi %a9, %r : i32
        %b1 = arith.minui %b0, %r : i32
        %b2 = arith.maxsi %b1, %r : i32
        %b3 = arith.maxui %b2, %r : i32
        %b4 = arith.andi %b3, %r : i32
        %b5 = arith.ori %b4, %r : i32
        %b6 = arith.xori %b5, %r : i32
        %b7 = arith.shli %b6, %r : i32
        %b8 = arith.shrsi %b7, %r : i32
        %b9 = arith.shrui %b8, %r : i32
        %less = arith.cmpi slt, %b9, %r : i32
        %pick = arith.select %less, %b9, %r : i32
        %short = arith.trunci %pick : i32 to i16
        %long = arith.extsi %short : i16 to i64
        %long2 = arith.extui %short : i16 to i64
        %idx = arith.index_castui %pick : i32 to index
        %sums:2 = scf.for %i = %c0 to %ni step %c1 iter_args(%x = %r, %y = %long) -> (i32, i64) {
          scf.yield %x, %y : i32, i64
        }
        %which = scf.if %less -> (i32) {
          scf.yield %sums#0 : i32
        } else {
          scf.yield %r : i32
        }
        scf.if %less {
          func.call @step(%e, %acc, %which) : (memref<4096xi8>, memref<64x64xi32>, i32) -> ()
        }
        scf.index_switch %idx
        case 0 {
          func.call @step(%e, %acc, %which) : (memref<4096xi8>, memref<64x64xi32>, i32) -> ()
          scf.yield
        }
        case 7 {
        }
        default {
        }
        %last = scf.while (%j = %c0) : (index) -> index {
          %go = arith.cmpi ult, %j, %ni : index
          scf.condition(%go) %j : index
        } do {
        ^bb0(%j2: index):
          %j3 = arith.addi %j2, %c1 : index
          scf.yield %j3 : index
        }
        %sub = memref.subview %acc[%last, 0][1, 64][1, 1] : memref<64x64xi32> to memref<1x64xi32, strided<[64, 1], offset: ?>>
        %flat = memref.reinterpret_cast %acc to offset: [0], sizes: [4096], strides: [1] : memref<64x64xi32> to memref<4096xi32, strided<[1]>>
        %plain = memref.cast %flat : memref<4096xi32, strided<[1]>> to memref<4096xi32>
        %o = aie.objectfifo.acquire @out(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
        aie.objectfifo.release @blocks(Consume, 2)
        aie.objectfifo.release @out(Produce, 1)
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "k.o"}
    aie.core(%n) {
      aie.end
    } {stack_size = 1024 : i32}
    aie.runtime_sequence @run(%a: memref<16384xi8>, %b: memref<16384xi8>, %n0: i64) {
      %zero = arith.constant 0 : i64
      %one = arith.constant 1 : i64
      %len = arith.constant 16384 : i64
      aiex.npu.rtp_write(@acc, 1, 7)
      aiex.npu.write32 {address = 4294967295 : ui32, column = 0 : i32, row = 2 : i32, value = 5 : ui32}
      aiex.npu.maskwrite32 {address = 16 : ui32, column = 0 : i32, row = 2 : i32, value = 5 : ui32, mask = 255 : ui32}
      aiex.npu.dma_memcpy_nd (%b[%zero, 0, 0, 0][%one, 1, 1, %len][0, 0, 0, 1]) {metadata = @out, id = 1 : i64} : memref<16384xi8>
      aiex.npu.dma_memcpy_nd(%a[0, 0, 0, %n0][1, 1, 1, 16384][0, 0, 0, 1])
          {id = 0 : i64, metadata = @in, issue_token = true, burst_length = 64 : i64} : memref<16384xi8>
      aiex.npu.dma_wait {symbol = @out}
      aiex.npu.sync {channel = 0 : i32, column = 0 : i32, column_num = 1 : i32, direction = 1 : i32, row = 0 : i32, row_num = 1 : i32}
      %t = aiex.dma_configure_task_for @out {
        aie.dma_bd(%b : memref<16384xi8>, 64, 8192, [<size = 1, stride = 0>, <size = 2, stride = 4096>, <size = 4096, stride = 1>]) {burst_length = 0 : i32}
        aie.end
      } {issue_token = true, repeat_count = 3 : i32}
      aiex.dma_start_task(%t)
      aiex.dma_await_task(%t)
      aiex.dma_free_task(%t)
    }
  }
}
