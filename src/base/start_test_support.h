// Coroutines in tests. Asio's machinery for starting one is instantiated once here, and not for each type of
// result: that was half of the time that some tests took to compile.
#pragma once

#include <exception>
#include <optional>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "base/task.h"

namespace slipway {

// What it throws comes out of the context's run().
inline void start(boost::asio::io_context& context, Task<void> task) {
    boost::asio::co_spawn(context, std::move(task), [](const std::exception_ptr& thrown) {
        if (thrown) std::rethrow_exception(thrown);
    });
}

// `result` has to outlive the task.
template <class T>
Task<void> into(std::optional<T>& result, Task<T> task) {
    result.emplace(co_await std::move(task));
}

}  // namespace slipway
