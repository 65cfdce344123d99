// An array of plain numbers that begins at a cache line, as the kernels like it. Zeros at first.
#ifndef LIBKV_SRC_VECTOR_ALIGNED_ARRAY_H_
#define LIBKV_SRC_VECTOR_ALIGNED_ARRAY_H_

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>

namespace libkv {

inline constexpr size_t kLineBytes = 64;

template <typename T>
class AlignedArray {
  static_assert(std::is_trivially_destructible_v<T> && std::is_trivially_copyable_v<T>);

 public:
  AlignedArray() = default;
  // Exceptions: std::bad_alloc.
  explicit AlignedArray(size_t count)
      : size_(count),
        data_(static_cast<T*>(::operator new (count * sizeof(T), std::align_val_t{kLineBytes}))) {
    std::fill_n(data_.get(), count, T{});
  }

  size_t size() const { return size_; }
  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  T& operator[](size_t i) { return data_.get()[i]; }
  const T& operator[](size_t i) const { return data_.get()[i]; }

 private:
  struct Free {
    void operator()(T* data) const { ::operator delete (data, std::align_val_t{kLineBytes}); }
  };
  size_t size_ = 0;
  std::unique_ptr<T, Free> data_;
};

}  // namespace libkv

#endif  // LIBKV_SRC_VECTOR_ALIGNED_ARRAY_H_
