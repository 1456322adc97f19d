// Task<T>: a coroutine that does I/O. Lazy: it runs when it is awaited or spawned on an executor.
// Exceptions do not cross module borders: a Task returns a Result where it can fail.
#pragma once

#include <boost/asio/awaitable.hpp>

namespace slipway {

template <class T>
using Task = boost::asio::awaitable<T>;

}  // namespace slipway
