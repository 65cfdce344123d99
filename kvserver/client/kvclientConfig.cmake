# find_package(kvclient CONFIG): defines kvclient::kvclient.
include(CMakeFindDependencyMacro)
find_dependency(absl)
include("${CMAKE_CURRENT_LIST_DIR}/kvclientTargets.cmake")
