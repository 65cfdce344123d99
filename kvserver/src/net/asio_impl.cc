// Asio's functions are compiled here, once.
#include <boost/asio/impl/src.hpp>
