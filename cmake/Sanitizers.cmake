# LIBKV_SANITIZE=address,undefined | thread: the whole build, tests and examples included.
if(LIBKV_SANITIZE)
  add_compile_options(-fsanitize=${LIBKV_SANITIZE} -fno-omit-frame-pointer -g)
  add_link_options(-fsanitize=${LIBKV_SANITIZE})
  # Asio's reference counts end with a fence, which gcc's ThreadSanitizer does not see; its warning
  # of that is no fault of ours.
  if(LIBKV_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan)
  endif()
  if(LIBKV_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=all)
  endif()
endif()
if(LIBKV_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
