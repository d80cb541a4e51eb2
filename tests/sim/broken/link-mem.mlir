// A distribute in a core.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    aie.objectfifo @in(%shim, {%core}, [2, 2]) : !aie.objectfifo<memref<128xi32>>
    aie.objectfifo @out(%core, {%shim}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @out2(%core, {%shim}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo.link [@in] -> [@out, @out2] ([] [0, 64])
  }
}
