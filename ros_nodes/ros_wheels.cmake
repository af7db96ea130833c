# Read when pip builds a package here against the ROS wheels (CMAKE_PROJECT_INCLUDE in its pyproject.toml). colcon and
# a sourced ROS 2 never read it.

# The wheels lie under the prefix that they were unpacked to: a virtual environment, or pip's own for building.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
execute_process(
  COMMAND "${Python3_EXECUTABLE}" -c
    "import pathlib, ament_package; print(pathlib.Path(ament_package.__file__).parents[4])"
  OUTPUT_VARIABLE _ros_prefix OUTPUT_STRIP_TRAILING_WHITESPACE
  COMMAND_ERROR_IS_FATAL ANY)
list(PREPEND CMAKE_PREFIX_PATH "${_ros_prefix}")
set(ENV{AMENT_PREFIX_PATH} "${_ros_prefix}")

# Targets that the wheels export name header folders of the machines that built them (Python's, their own build folder).
# CMake refuses folders that do not exist; the headers themselves are found by other ways.
function(_drop_missing_include_folders)
  get_directory_property(_targets DIRECTORY "${CMAKE_SOURCE_DIR}" IMPORTED_TARGETS)
  foreach(_target IN LISTS _targets)
    get_target_property(_folders ${_target} INTERFACE_INCLUDE_DIRECTORIES)
    if(_folders)
      set(_kept "")
      foreach(_folder IN LISTS _folders)
        if(NOT IS_ABSOLUTE "${_folder}" OR EXISTS "${_folder}")
          list(APPEND _kept "${_folder}")
        endif()
      endforeach()
      set_target_properties(${_target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${_kept}")
    endif()
  endforeach()
endfunction()
cmake_language(DEFER DIRECTORY "${CMAKE_SOURCE_DIR}" CALL _drop_missing_include_folders)
