// The part of Boost.JSON that is not templates, compiled once.
#include <boost/json/src.hpp>
