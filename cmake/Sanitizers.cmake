# LIBKV_SANITIZE=address,undefined | thread: the whole build, tests and examples included.
if(LIBKV_SANITIZE)
  add_compile_options(-fsanitize=${LIBKV_SANITIZE} -fno-omit-frame-pointer -g)
  add_link_options(-fsanitize=${LIBKV_SANITIZE})
  if(LIBKV_SANITIZE MATCHES "undefined")
    # Without the checks of every access to memory, which AddressSanitizer makes anyway: they double
    # the time a build takes.
    add_compile_options(-fno-sanitize-recover=all
      -fno-sanitize=null,object-size,vptr,pointer-overflow)
  endif()
endif()
if(LIBKV_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
