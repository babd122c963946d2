// server/runtime/asio_implementation.cc - Asio's own functions, compiled once; see asio_fiber.h.

#include "server/runtime/asio_fiber.h"

#include <boost/asio/impl/src.hpp>
