# Debian ships libcaf-dev without a CMake package. This module finds the headers
# and libraries of CAF 0.17 and defines CAF::core, CAF::io and CAF::openssl;
# their headers are system headers, so that their warnings are not ours.
find_path(CAF_INCLUDE_DIR caf/config.hpp)
set(_caf_required CAF_INCLUDE_DIR)
foreach(component core io openssl)
  find_library(CAF_${component}_LIBRARY caf_${component})
  list(APPEND _caf_required CAF_${component}_LIBRARY)
endforeach()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CAF REQUIRED_VARS ${_caf_required})

if(CAF_FOUND AND NOT TARGET CAF::core)
  find_package(Threads REQUIRED)
  foreach(component core io openssl)
    add_library(CAF::${component} UNKNOWN IMPORTED)
    set_target_properties(CAF::${component} PROPERTIES
      IMPORTED_LOCATION "${CAF_${component}_LIBRARY}")
    target_include_directories(CAF::${component} SYSTEM INTERFACE "${CAF_INCLUDE_DIR}")
  endforeach()
  target_link_libraries(CAF::core INTERFACE Threads::Threads)
  target_link_libraries(CAF::io INTERFACE CAF::core)
  target_link_libraries(CAF::openssl INTERFACE CAF::io)
endif()
mark_as_advanced(CAF_INCLUDE_DIR CAF_core_LIBRARY CAF_io_LIBRARY CAF_openssl_LIBRARY)
