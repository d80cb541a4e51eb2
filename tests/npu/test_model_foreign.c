/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files in a model's place that are no model: remains of downloads, other tools' files. The
 * sentence names each and says what to do.
 *
 *   test_model_foreign VECTORS   tests/data/ggml */
#include "tests/npu/model_rig.h"

static const struct {
    const char *name, *data;
    size_t n;
    int code;
    const char *words[2];
} files[] = {
    {"empty", "", 0, -EBADMSG, {"0 bytes", "fetch it again"}},
    {"short", "abcdefgh", 8, -EBADMSG, {"8 bytes", "10 bytes .. 1 TiB"}},
    {"text", "Hello, world, this is text", 26, -EBADMSG, {"48 65 6c 6c 6f 2c 20 77"}},
    {"answer", "Entry not found\nmore", 20, -EBADMSG, {"the text \"Entry not found\""}},
    {"binary", "\1\2\3\4\5\6\7\x10\x11\x12\x13\x14", 12, -EBADMSG, {"01 02 03 04 05 06 07 10"}},
    {"zeros", "\0\0\0\0\0\0\0\0\0\0\0\0", 12, -EBADMSG, {"zeros", "fetch it again"}},
    {"lfs",
     "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 290403936\n",
     73,
     -EBADMSG,
     {"Git LFS pointer to a file of 290403936 bytes", "git lfs pull"}},
    {"lfs_old",
     "version https://hawser.github.com/spec/v1\noid 00\nsize 77",
     56,
     -EBADMSG,
     {"LFS pointer to a file of 77 bytes"}},
    {"lfs_without_size",
     "version https://git-lfs.github.com/spec/v1\nsize x\n",
     50,
     -EBADMSG,
     {"a Git LFS pointer, not the file"}},
    {"lfs_size_long",
     "version https://git-lfs.github.com/spec/v1\nsize 123456789012345678901234567890\n",
     79,
     -EBADMSG,
     {"a Git LFS pointer, not the file"}},
    {"page", "<!DOCTYPE html>\n<html><head>", 28, -EBADMSG, {"a web page", "hf download"}},
    {"page_bare", "\n  <HTML lang=en>\xc3\xa9 ", 20, -EBADMSG, {"a web page"}},
    {"page_mark", "\xef\xbb\xbf<html>....", 13, -EBADMSG, {"a web page"}},
    {"page_brace", "<html>  {  }", 12, -EBADMSG, {"a web page"}},
    {"page_of_bytes", "<\1\2\3\4\5\6\7\10\11\12", 11, -EBADMSG, {"3c 01 02 03"}},
    {"xml", "<?xml version=\"1.0\"?><Error/>", 29, -EBADMSG, {"XML", "server"}},
    {"json_error",
     "{\"error\":\"Repository not found\"}",
     32,
     -ENOTSUP,
     {"server's error message", "\"error\": \"Repository not found\"; fetch"}},
    {"json_message",
     "{\"code\": 7, \"message\": \"no\"}",
     28,
     -ENOTSUP,
     {"server's error message, \"message\": \"no\""}},
    {"json_config",
     "{\"d_model\": 512, \"x\": [1, {\"y\": null}]}",
     39,
     -ENOTSUP,
     {"without a weight_map", "configuration"}},
    {"json_config_brace",
     "{\"meta\":{\"d_model\": 512}}",
     25,
     -ENOTSUP,
     {"without a weight_map", "configuration"}},
    {"json_array", "[{\"error\": 1}]", 14, -ENOTSUP, {"JSON that is no index"}},
    {"json_cut", "{\"error\":\"Repository", 20, -EBADMSG, {"the index's end"}},
    {"index_empty", "{\"metadata\": {}, \"weight_map\": {}}", 33, -EBADMSG, {"expected '}'"}},
    {"index_of_nothing",
     "{\"metadata\": {}, \"weight_map\": {}}",
     34,
     -ENOTSUP,
     {"among 0 tensors", "sharded"}},
    {"zip", "PK\003\004\0\0\0\0\0\0\0\0\0\0\0\0", 16, -ENOTSUP, {"PyTorch", "convert"}},
    {"zip_empty", "PK\005\006\0\0\0\0\0\0\0\0\0\0\0\0", 16, -ENOTSUP, {"ZIP", "safetensors"}},
    {"gguf", "GGUF\003\0\0\0\0\0\0\0\0\0\0\0", 16, -ENOTSUP, {"GGUF", "ggml-*.bin"}},
    {"ggjt", "tjgg\003\0\0\0\0\0\0\0", 12, -ENOTSUP, {"ggjt"}},
    {"ggmf", "fmgg\001\0\0\0\0\0\0\0", 12, -ENOTSUP, {"ggmf"}},
    {"gzip", "\x1f\x8b\010\0\0\0\0\0\0\0", 10, -ENOTSUP, {"gzip", "unpack it"}},
    {"xz", "\xfd\x37zXZ\0\0\0\0\0\0\0", 12, -ENOTSUP, {"xz", "unpack it"}},
    {"zstd", "\x28\xb5\x2f\xfd\0\0\0\0\0\0", 10, -ENOTSUP, {"zstd", "unpack it"}},
    {"bzip2", "BZh91AY&SY\0", 11, -ENOTSUP, {"bzip2", "unpack it"}},
    {"7z", "7z\xbc\xaf\x27\x1c\0\4\0\0", 10, -ENOTSUP, {"7z", "unpack it"}},
    {"rar", "Rar!\x1a\7\0\0\0\0", 10, -ENOTSUP, {"RAR", "unpack it"}},
    {"hdf5", "\x89HDF\r\n\x1a\n\0\0", 10, -ENOTSUP, {"HDF5", "save the model as safetensors"}},
    {"tflite", "\x1c\0\0\0TFL3\0\0", 10, -ENOTSUP, {"TensorFlow Lite"}},
    {"ctranslate2", "\6\0\0\0\14\0WhisperSpec\0", 18, -ENOTSUP, {"CTranslate2", "faster-whisper"}},
    {"numpy", "\x93NUMPY\1\0v\0", 10, -ENOTSUP, {"NumPy"}},
    {"program", "\x7f\x45LF\2\1\1\0\0\0", 10, -EBADMSG, {"a program"}},
    {"onnx", "\x08\x07\x12\x07pytorch", 11, -ENOTSUP, {"ONNX"}},
    {"onnx_graph", "\x08\x0a\x3a\x80\x80\x04\x0a\4\0\0", 10, -ENOTSUP, {"ONNX"}},
    {"pickle", "\x80\002\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.", 15, -ENOTSUP, {"pickle", "convert"}},
    {"pickle_4", "\x80\4\x95\x11\0\0\0\0\0\0\0", 11, -ENOTSUP, {"pickle"}},
    {"flax",
     "\x81\xa5model\x82\xa7"
     "decoder",
     16,
     -ENOTSUP,
     {"Flax"}},
    {"flac", "fLaC\0\0\0\"\20\0", 10, -EBADMSG, {"FLAC", "the audio comes"}},
    {"ogg", "OggS\0\2\0\0\0\0", 10, -EBADMSG, {"audio (Ogg)"}},
    {"mp3", "ID3\4\0\0\0\0\0\0", 10, -EBADMSG, {"audio (MP3)"}},
    {"mp3_bare", "\xff\xfb\x90\x64\0\0\0\0\0\0", 10, -EBADMSG, {"audio (MP3)"}},
    {"wav", "RIFF\4\5\0\0WAVEfmt ", 16, -EBADMSG, {"audio (WAV)", "model-file"}},
    {"m4a",
     "\0\0\0\x1c"
     "ftypM4A \0\0",
     14,
     -EBADMSG,
     {"MP4"}},
    {"webm", "\x1a\x45\xdf\xa3\x9f\x42\x86\x81\1\x42", 10, -EBADMSG, {"WebM"}},
    {"no_tensors", "\2\0\0\0\0\0\0\0{}", 10, -ENOTSUP, {"among 0 tensors"}},
    {"header_beyond", "\3\0\0\0\0\0\0\0{}", 10, -EBADMSG, {"a length of 3"}},
    {"header_huge", "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10, -EBADMSG, {"18446744073709551615"}},
    {"ggml_vad",
     "lmgg\12\0\0\0silero-16k\5\0\0\0\1\0\0\0\2\0\0\0\0\2\0\0\100\0\0\0",
     38,
     -ENOTSUP,
     {"of another kind, named silero-16k (a voice activity detector)", "Whisper size"}},
    {"ggml_named", "lmgg\4\0\0\0bark\5\0\0\0", 16, -ENOTSUP, {"another kind, named bark;"}},
    {"ggml_llama",
     "lmgg\0\x7d\0\0\0\x10\0\0\0\1\0\0\x20\0\0\0",
     20,
     -EBADMSG,
     {"n_audio_ctx", "ggml file of another model"}},
};

static void test_tar(void)
{
    static const char *const words[] = {"tar archive", "unpack it"};
    static uint8_t header[512] = "model_config.yaml";
    memcpy(header + 257, "ustar", 5);
    struct weights_file file = {.data = {header, sizeof(header), 0}};
    check_refusal("foreign.tar", &file, -ENOTSUP, words, 2);
}

/* whisper.cpp's for-tests-ggml-*.bin: the whole header, and the file ends. */
static void test_without_tensors(void)
{
    static const char *const words[] = {"without tensors", "for-tests-ggml-*.bin"};
    struct weights_file file;
    ggml_make(&file, F16);
    /* the first tensor: 3 numbers, 3 dimensions, its name */
    file.data.n = file.offset_of[NPU_TENSOR_CONV1_WEIGHT] - 24 - strlen("encoder.conv1.weight");
    check_refusal("foreign.ggml_without_tensors", &file, -ENOTSUP, words, 2);
    free(file.data.at);
}

/* A download that was cut. */
static void test_cut(void)
{
    static const char *const words[] = {"fetch it again"};
    struct weights_file file;
    safetensors_make(&file, F16, "model.", true);
    file.data.n -= 5000;
    check_refusal("foreign.cut", &file, -EBADMSG, words, 1);
    free(file.data.at);
}

int main(int argc, char **argv)
{
    if (argc != 2 || !load_vectors(argv[1])) {
        fprintf(stderr, "usage: test_model_foreign VECTORS; VECTORS is tests/data/ggml\n");
        return 2;
    }
    memory_fd = memfd_create("model", MFD_CLOEXEC);
    snprintf(memory_path, sizeof(memory_path), "/proc/self/fd/%d", memory_fd);
    unsigned descriptors = count_descriptors();
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct weights_file file = {.data = {(uint8_t *)(uintptr_t)files[i].data, files[i].n, 0}};
        char name[64];
        snprintf(name, sizeof(name), "foreign.%s", files[i].name);
        check_refusal(name, &file, files[i].code, files[i].words, 2);
    }
    test_tar();
    test_without_tensors();
    test_cut();
    struct npu_model *model = NULL;
    int missing = npu_model_open(&model, "/nonexistent/model", &error);
    int folder = npu_model_open(&model, "/", &error);
    int device = npu_model_open(&model, "/dev/zero", NULL);
    check_case(missing == -ENOENT && folder == -EBADMSG && device == -EBADMSG && !model,
               "foreign.no_file", "%d %d %d", missing, folder, device);
    check_descriptors(descriptors);
    close(memory_fd);
    return check_finish();
}
