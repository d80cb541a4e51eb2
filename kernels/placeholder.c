int npu_kernels_none;
