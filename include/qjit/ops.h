/* qjit: from weights to results. Memory of a device, quantised matrices in it, and operators that choose
 * the kernel, its launch and its scratch memory; and a way to launch kernels of one's own.
 *
 * Reading order: streams, buffers, weights, operators, what an operator does, own kernels.
 *
 * The conventions of qjit.h hold: status values, qjit_error_detail(), outputs called `out` and untouched on
 * failure. What is different here
 *   - Objects belong to the context that they were created with: destroy them before it. Each is on one
 *     device; the current HIP device of the calling thread is left as it was.
 *   - Sizes and offsets of buffers are bytes. What an operator reads or writes is checked against its
 *     buffers: one that is too small is QJIT_INVALID_ARGUMENT, and nothing is launched.
 *   - Calls that take a stream return when the work is queued there. Work of one stream is done in order.
 *     What goes wrong while it runs, a later call reports as QJIT_HIP_FAILED.
 *   - Buffers, weights and the calls on them may be used from any number of threads at once, except that an
 *     object is destroyed by one and last. Freeing memory waits for the devices that use it; work that is
 *     queued may hence use it to its end.
 *   - While any stream is being captured into a graph, HIP refuses to wait and, unless in relaxed mode, to
 *     allocate and to free (what was to be freed is freed later), and spoils the capture: create, destroy,
 *     upload and download nothing then, in no thread. Operators, launches, and copies and fills on the
 *     captured stream go into the graph.
 *   - Matrices are rows of side by side elements, row after row. f32 rows have no padding.
 */
#ifndef QJIT_OPS_H
#define QJIT_OPS_H

#include <qjit/gguf.h>
#include <qjit/qjit.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- streams -------------------------------------------------------------------------------- */

/* A hipStream_t; the application's own will do, of the device that the call works on: HIP refuses launches
 * on another's. NULL is the default stream of the device in question.
 * hipStreamPerThread, which is another stream in each thread, is refused wherever a stream is taken.
 * Wait for the work of a stream of your own before you destroy it (qjit_stream_destroy does): the next one
 * may get its address, and with it the scratch memory that operators know by that. */
typedef void *qjit_stream;

/* A stream that waits for the default stream and is waited for by it. Fails with QJIT_NO_DEVICE,
 * QJIT_HIP_FAILED and as qjit_device_count. */
QJIT_API qjit_status qjit_stream_create(qjit_context *context, qjit_stream *out, uint32_t device);

/* Waits for the stream's work first. NULL is fine. Fails with QJIT_NO_DEVICE, QJIT_HIP_FAILED (also what went
 * wrong in that work; the stream is destroyed all the same). */
QJIT_API qjit_status qjit_stream_destroy(qjit_context *context, uint32_t device, qjit_stream stream);

/* Waits until all that is queued there is done. Fails with QJIT_NO_DEVICE, QJIT_HIP_FAILED (also what went
 * wrong in that work). */
QJIT_API qjit_status qjit_stream_wait(qjit_context *context, uint32_t device, qjit_stream stream);

/* ---- buffers -------------------------------------------------------------------------------- */

/* A range of a device's memory. Views share the memory with the buffer that they were made from, and either
 * may be destroyed first: memory that qjit allocated is freed with the last buffer (or weights) in it. */
typedef struct qjit_buffer qjit_buffer;

/* n_bytes of new memory, contents undefined, aligned for every type; 0 is fine.
 * Fails with QJIT_NO_MEMORY (host or device), QJIT_NO_DEVICE, QJIT_HIP_FAILED and as qjit_device_count. */
QJIT_API qjit_status qjit_buffer_create(qjit_context *context, qjit_buffer **out, uint32_t device,
                                        size_t n_bytes);

/* The same, zero throughout when the call returns. */
QJIT_API qjit_status qjit_buffer_create_zeroed(qjit_context *context, qjit_buffer **out, uint32_t device,
                                               size_t n_bytes);

/* n_bytes at `pointer` in the memory of `device`, which stay the application's: never freed here, and to be
 * kept until the last buffer in them is destroyed. Fails with QJIT_INVALID_ARGUMENT (NULL, unless n_bytes
 * is 0), QJIT_NO_DEVICE, QJIT_NO_MEMORY and as qjit_device_count. */
QJIT_API qjit_status qjit_buffer_wrap(qjit_context *context, qjit_buffer **out, uint32_t device,
                                      void *pointer, size_t n_bytes);

/* The bytes [offset, offset + n_bytes) of `buffer`. Allocates nothing on the device.
 * Fails with QJIT_INVALID_ARGUMENT (not within the buffer), QJIT_NO_MEMORY. */
QJIT_API qjit_status qjit_buffer_view(const qjit_buffer *buffer, qjit_buffer **out, size_t offset,
                                      size_t n_bytes);

/* NULL is fine. */
QJIT_API void qjit_buffer_destroy(qjit_buffer *buffer);

/* The address on the device, NULL if the buffer has no bytes; its bytes; its device. */
QJIT_API void *qjit_buffer_pointer(const qjit_buffer *buffer);
QJIT_API size_t qjit_buffer_bytes(const qjit_buffer *buffer);
QJIT_API uint32_t qjit_buffer_device(const qjit_buffer *buffer);

/* Copies between host and buffer, done when the call returns. They wait for the default stream's work and
 * for that of streams of qjit_stream_create, not for streams that were created as non-blocking.
 * Fail with QJIT_INVALID_ARGUMENT (not within the buffer), QJIT_HIP_FAILED. */
QJIT_API qjit_status qjit_buffer_upload(qjit_buffer *buffer, size_t offset, const void *from, size_t n_bytes);
QJIT_API qjit_status qjit_buffer_download(const qjit_buffer *buffer, void *out, size_t offset,
                                          size_t n_bytes);

/* The same, queued on a stream. `from` and `out` must stay until the work is done; it overlaps with other
 * work only where they are pinned (hipHostMalloc). */
QJIT_API qjit_status qjit_buffer_upload_on(qjit_buffer *buffer, size_t offset, const void *from,
                                           size_t n_bytes, qjit_stream stream);
QJIT_API qjit_status qjit_buffer_download_on(const qjit_buffer *buffer, void *out, size_t offset,
                                             size_t n_bytes, qjit_stream stream);

/* Queues a copy from buffer to buffer on a stream of `to`'s device. The ranges may not overlap. It does not
 * wait for work of `from`'s device, if that is another.
 * Fails with QJIT_INVALID_ARGUMENT (not within the buffers, overlap, two contexts), QJIT_HIP_FAILED. */
QJIT_API qjit_status qjit_buffer_copy_on(qjit_buffer *to, size_t to_offset, const qjit_buffer *from,
                                         size_t from_offset, size_t n_bytes, qjit_stream stream);

/* Queues setting each byte of a range to `byte`. Fails as qjit_buffer_upload. */
QJIT_API qjit_status qjit_buffer_fill_on(qjit_buffer *buffer, size_t offset, uint8_t byte, size_t n_bytes,
                                         qjit_stream stream);

/* ---- weights -------------------------------------------------------------------------------- */

/* A matrix of n rows and k columns in a device's memory, in blocks of a ggml type, or several such matrices
 * one after the other ("experts"). Rows follow each other without padding.
 *
 * Behind the last row there are 512 elements' worth of zeroed blocks: kernels made after candle's read
 * there. Memory allocated here always has them. No kernel that comes with qjit reads behind a row, so that
 * wrapped memory without them is as good for every operator; `is_padded` tells kernels of others. */
typedef struct qjit_weights qjit_weights;

/* The size of this struct is fixed. */
typedef struct qjit_weights_info {
    const qjit_ggml_type_info *type;
    uint64_t n, k;      /* rows and columns of each matrix */
    uint64_t n_experts; /* matrices: 1 or more */
    uint64_t row_bytes;
    uint64_t n_bytes;      /* of all rows */
    uint64_t padded_bytes; /* the same and the padding */
    void *pointer;         /* on the device */
    uint32_t device;
    uint32_t is_padded; /* 1: padded_bytes are there, those behind the rows are zero */
} qjit_weights_info;

/* Any type that qjit_get_ggml_type knows; qjit_plan_op says which of them an operator takes. k must be a
 * multiple of the type's block; n, k and n_experts may be 0, which counts as 1 for n_experts. All bytes are
 * zero, until qjit_weights_upload.
 * Fails with QJIT_NOT_FOUND (no such type), QJIT_INVALID_ARGUMENT (k; n above 2^27 - 1, k above 2^31 -
 * 513), QJIT_NO_MEMORY, QJIT_NO_DEVICE, QJIT_HIP_FAILED and as qjit_device_count. */
QJIT_API qjit_status qjit_weights_create(qjit_context *context, qjit_weights **out, uint32_t device,
                                         uint32_t type, uint64_t n, uint64_t k, uint64_t n_experts);

/* Copies whole rows from the host, as many as n_rows says, the first of them to row first_row; rows of all
 * experts are counted through. Done when the call returns.
 * Fails with QJIT_INVALID_ARGUMENT (not within the rows), QJIT_HIP_FAILED. */
QJIT_API qjit_status qjit_weights_upload(qjit_weights *weights, uint64_t first_row, uint64_t n_rows,
                                         const void *from);

/* Creates weights of a model's tensor and uploads it: k is dims[0], n is dims[1], n_experts dims[2] *
 * dims[3].
 * Fails as the two calls above. */
QJIT_API qjit_status qjit_weights_create_from_tensor(qjit_context *context, qjit_weights **out,
                                                     uint32_t device, const qjit_gguf_tensor *tensor);

/* Weights in memory that is there already: the start of `buffer`, whose memory they share as a view does.
 * is_padded 1 says that the bytes behind the rows, as many as padded_bytes of qjit_weights_info asks for,
 * belong to the buffer and are zero. Fails with QJIT_INVALID_ARGUMENT (also: the buffer is too small) and
 * as qjit_weights_create. */
QJIT_API qjit_status qjit_weights_wrap(const qjit_buffer *buffer, qjit_weights **out, uint32_t type,
                                       uint64_t n, uint64_t k, uint64_t n_experts, int is_padded);

/* Expert `expert` alone, sharing the memory as a view does; padded only where it is the last of padded
 * ones.
 * Fails with QJIT_INVALID_ARGUMENT (no such expert), QJIT_NO_MEMORY. */
QJIT_API qjit_status qjit_weights_view_expert(const qjit_weights *weights, qjit_weights **out,
                                              uint64_t expert);

/* NULL is fine. */
QJIT_API void qjit_weights_destroy(qjit_weights *weights);

/* Facts of the weights; they live as long as these. */
QJIT_API const qjit_weights_info *qjit_weights_get_info(const qjit_weights *weights);

/* A view of the bytes of all rows, without the padding: to copy from or to. Fails with QJIT_NO_MEMORY. */
QJIT_API qjit_status qjit_weights_view(const qjit_weights *weights, qjit_buffer **out);

/* ---- operators ------------------------------------------------------------------------------ */

/* Each queues its work on `stream` and returns. Kernels are compiled or loaded by the first call that needs
 * them, and scratch memory is allocated by the first call on a stream that needs so much of it; after that
 * a call allocates nothing, looks nothing up by name and takes one lock, that of the stream's scratch
 * memory.
 *
 * All fail with QJIT_INVALID_ARGUMENT (a buffer that is too small, not aligned to its elements, on another
 * device or of another context; hipStreamPerThread), QJIT_NOT_FOUND (no kernel for this type),
 * QJIT_NOT_READY (a kernel or scratch memory is missing while the stream is captured: qjit_prepare_op),
 * QJIT_HIP_FAILED, QJIT_NO_MEMORY and as qjit_get_function. Where there is nothing to compute (0 rows or
 * columns) they do nothing, and k = 0 makes sums of nothing: zeros. `out` may not overlap what is read,
 * which is not checked. */

/* Bytes of n_rows rows of k elements as q8_1: each row is padded to a multiple of 512 elements, a block of
 * 36 bytes for each 32. */
QJIT_API uint64_t qjit_q8_1_bytes(uint64_t n_rows, uint64_t k);

/* n_rows rows of k f32 to q8_1, padded as qjit_q8_1_bytes says; padding is zero. */
QJIT_API qjit_status qjit_quantize_q8_1(qjit_buffer *out, const qjit_buffer *x, uint64_t n_rows, uint64_t k,
                                        qjit_stream stream);

/* The values of n_rows rows from first_row on (rows of all experts are counted through), as f32 or f16:
 * `to` is QJIT_GGML_F32 or QJIT_GGML_F16. Plain numbers (F32, F16, BF16) go to f32, and F16 to f16. `out`
 * is aligned to four elements. */
QJIT_API qjit_status qjit_dequantize(const qjit_weights *weights, qjit_buffer *out, uint32_t to,
                                     uint64_t first_row, uint64_t n_rows, qjit_stream stream);

/* Row ids[i] (u32; not checked against n) of the weights to row i of out, as f32, for i < n_ids. Rows of
 * all experts are counted through. */
QJIT_API qjit_status qjit_get_rows(const qjit_weights *weights, qjit_buffer *out, const qjit_buffer *ids,
                                   uint64_t n_ids, qjit_stream stream);

/* Which kernels compute a product. */
typedef enum qjit_path {
    QJIT_PATH_AUTO = 0,           /* by rules for type, batch and arch: docs/ops.md */
    QJIT_PATH_MAT_VEC = 1,        /* q8_1 activations, up to 8 columns a launch; few columns */
    QJIT_PATH_MUL_MAT = 2,        /* q8_1 activations, tiles of 64 or 128 columns; many columns */
    QJIT_PATH_MAT_VEC_F32 = 3,    /* f32 activations, one column a launch; F32, F16 and BF16 up to 8 */
    QJIT_PATH_DEQUANTIZE_F32 = 4, /* weights to f32 in scratch memory, then as F32; for types that have no
                                     other way, and where nothing but the weights may be rounded */
    QJIT_PATH_MUL_MAT_NARROW = 5, /* q8_1 activations, tiles of 16 columns and 32 rows; some columns */
    QJIT_PATH_MAT_VEC_WIDE = 6 /* q8_1 activations, one column a launch, by as many blocks of threads as the
                                  device has at work at once */
} qjit_path;

/* out[c][row] = the sum over e < k of weights[row][e] * x[c][e], for c < batch: x is batch rows of k f32,
 * out batch rows of n f32. The weights are one matrix (of several: qjit_weights_view_expert). Paths with
 * q8_1 activations round x to 8 bits and a scale for each 32 elements; products with the quantised are
 * exact, sums are f32. A path that has no kernel for the type is QJIT_NOT_FOUND. */
QJIT_API qjit_status qjit_mul_mat(const qjit_weights *weights, qjit_buffer *out, const qjit_buffer *x,
                                  uint64_t batch, qjit_path path, qjit_stream stream);

/* For each row b of a batch, topk experts times an input:
 *
 *     out[b][t] = weights of expert ids[b][t], times x[b][t]
 *
 * ids is batch rows of topk u32 (not checked against n_experts), out batch * topk rows of n f32, x batch *
 * n_inputs rows of k f32, with n_inputs either topk or 1: then all experts of b have the same. Through
 * q8_1. topk is at most 65535, batch * topk less than 2^31. Types: Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, Q8_0. */
QJIT_API qjit_status qjit_mul_mat_experts(const qjit_weights *weights, qjit_buffer *out, const qjit_buffer *x,
                                          const qjit_buffer *ids, uint64_t batch, uint64_t topk,
                                          uint64_t n_inputs, qjit_stream stream);

/* ---- what an operator does ------------------------------------------------------------------ */

typedef enum qjit_op {
    QJIT_OP_QUANTIZE_Q8_1 = 1, /* k, batch: rows; type is not looked at */
    QJIT_OP_DEQUANTIZE_F32 = 2,
    QJIT_OP_DEQUANTIZE_F16 = 3,
    QJIT_OP_GET_ROWS = 4,       /* batch: ids */
    QJIT_OP_MUL_MAT = 5,        /* batch: columns */
    QJIT_OP_MUL_MAT_EXPERTS = 6 /* batch: rows of inputs, batch * n_inputs of the call */
} qjit_op;

/* An operator call, described. */
typedef struct qjit_op_call {
    size_t struct_size;
    qjit_op op;
    uint32_t type; /* of the weights */
    uint64_t n, k; /* of the weights */
    uint64_t batch;
    qjit_path path;   /* of QJIT_OP_MUL_MAT */
    const char *arch; /* as of qjit_device, features or not; NULL: of an arch that nothing was measured on */
} qjit_op_call;

#define QJIT_OP_KERNELS_MAX 8

/* What a call does. The strings live as long as the library. */
typedef struct qjit_op_plan {
    size_t struct_size;
    qjit_path path;         /* of QJIT_OP_MUL_MAT: the one that is taken, never QJIT_PATH_AUTO; else 0 */
    uint32_t n_kernels;     /* different ones */
    uint64_t n_launches;    /* together, copies and fills counted */
    uint64_t scratch_bytes; /* of the stream's scratch memory */
    const char *kernels[QJIT_OP_KERNELS_MAX]; /* their names, in order of their first launch */
} qjit_op_plan;

/* Plans a call: needs no context and no device. A call with nothing to compute needs no kernels.
 * out->struct_size must be set. Fails with QJIT_NOT_FOUND (no kernel for this type or path),
 * QJIT_INVALID_ARGUMENT (k is no multiple of the block; no such op or path; too large). */
QJIT_API qjit_status qjit_plan_op(qjit_op_plan *out, const qjit_op_call *call);

/* "mat_vec", "mul_mat" ...; NULL for a number that is no path. */
QJIT_API const char *qjit_path_name(qjit_path path);

/* Does now what the first such call on this stream would have to do: compiles and loads the kernels,
 * allocates the scratch memory. call->arch is not looked at. After that such a call is nothing but launches
 * and may be captured into a graph (hipStreamBeginCapture). Scratch memory stays where it is until
 * qjit_destroy, so graphs stay valid; replay a graph on the stream that it was captured on, or else not
 * while other work that shares this stream's scratch memory is under way.
 * Fails as operators do, and with QJIT_NO_DEVICE. */
QJIT_API qjit_status qjit_prepare_op(qjit_context *context, uint32_t device, const qjit_op_call *call,
                                     qjit_stream stream);

/* ---- own kernels ---------------------------------------------------------------------------- */

/* What a launch is given besides its arguments. */
typedef struct qjit_launch_config {
    uint32_t grid[3]; /* blocks of threads */
    uint32_t block[3];
    uint32_t lds_bytes; /* dynamic LDS */
    uint32_t reserved;
    qjit_stream stream;
} qjit_launch_config;

/* One thread for each of n elements, in blocks of n_threads (0: 256): grid (ceil(n / n_threads), 1, 1), one
 * block at least, default stream. A grid has fewer than 2^32 threads: of more elements, threads must take
 * several. */
QJIT_API void qjit_launch_config_init(qjit_launch_config *out, uint64_t n, uint32_t n_threads);

/* Launches a kernel, with arguments added one by one. For one thread at a time; may be used again and
 * again, then nothing is allocated. */
typedef struct qjit_launch qjit_launch;

/* For `kernel` of the registry (built in or of qjit_add_source), compiled or loaded first if it must be.
 * Fails with QJIT_NO_MEMORY and as qjit_get_function_by_id. */
QJIT_API qjit_status qjit_launch_create(qjit_context *context, qjit_launch **out, uint32_t device,
                                        qjit_kernel kernel);

/* For a function, of qjit_get_function or of the application's own making (a hipFunction_t of the device).
 * Fails with QJIT_INVALID_ARGUMENT, QJIT_NO_DEVICE, QJIT_NO_MEMORY. */
QJIT_API qjit_status qjit_launch_create_for(qjit_context *context, qjit_launch **out, uint32_t device,
                                            qjit_function function);

/* NULL is fine. */
QJIT_API void qjit_launch_destroy(qjit_launch *launch);

/* How many arguments the kernel takes, as its code object says, and the bytes of each. -1 and 0 where that
 * is not known: code objects of archs that are not gfx* do not tell, nor does a function that is not of
 * this context. Nothing about arguments is checked then. */
QJIT_API int qjit_launch_arg_count(const qjit_launch *launch);
QJIT_API size_t qjit_launch_arg_bytes(const qjit_launch *launch, uint32_t index);

/* Adds the next argument: n_bytes at value, which are copied. Fails with QJIT_INVALID_ARGUMENT (more than
 * the kernel takes, or of another size than it says; the argument is not added), QJIT_NO_MEMORY. */
QJIT_API qjit_status qjit_launch_add(qjit_launch *launch, const void *value, size_t n_bytes);

/* The same for a buffer's address, and for a number of these types. The buffer must be on the launch's
 * device. */
QJIT_API qjit_status qjit_launch_add_buffer(qjit_launch *launch, const qjit_buffer *buffer);
QJIT_API qjit_status qjit_launch_add_int(qjit_launch *launch, int32_t value);
QJIT_API qjit_status qjit_launch_add_int64(qjit_launch *launch, int64_t value);
QJIT_API qjit_status qjit_launch_add_float(qjit_launch *launch, float value);

/* Forgets the arguments. */
QJIT_API void qjit_launch_clear(qjit_launch *launch);

/* Queues the kernel with the arguments added so far, which stay for the next time.
 * Fails with QJIT_INVALID_ARGUMENT (fewer arguments than the kernel takes; a grid or block of 0; more
 * threads to a block than the device takes), QJIT_HIP_FAILED. */
QJIT_API qjit_status qjit_launch_run(qjit_launch *launch, const qjit_launch_config *config);

#ifdef __cplusplus
}
#endif

#endif
