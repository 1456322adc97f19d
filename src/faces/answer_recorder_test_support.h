// Keeps every answer that a test was given, for tests/api/check.py, which compares them with the descriptions of
// the APIs. Where SLIPWAY_RECORD_ANSWERS names no directory nothing is kept.
#pragma once

#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

#include "base/json.h"

namespace slipway::faces::test {

struct RecordedAnswer {
    std::string method;  // "GET"
    std::string target;  // as it was asked for, with its query
    std::string request_body;
    int status = 0;
    std::string content_type;
    std::multimap<std::string, std::string> headers;
    std::string body;
};

// One line of JSON for each answer, in a file of this process. Thread-safe.
inline void record(const RecordedAnswer& answer) {
    // Read before there is a second thread: nobody sets it.
    static const char* const directory = std::getenv("SLIPWAY_RECORD_ANSWERS");
    if (directory == nullptr) return;
    static std::mutex mutex;
    const std::lock_guard lock(mutex);
    static std::ofstream out(fmt::format("{}/{}.jsonl", directory, ::getpid()), std::ios::app);
    json::object headers;
    for (const auto& [name, value] : answer.headers) headers[name] = value;
    // Bodies that are no UTF-8 are none of ours.
    out << json::dump(json::object{{"method", answer.method},
                                   {"target", answer.target},
                                   {"request_body", answer.request_body},
                                   {"status", answer.status},
                                   {"content_type", answer.content_type},
                                   {"headers", std::move(headers)},
                                   {"body", answer.body}})
        << '\n';
    out.flush();
}

}  // namespace slipway::faces::test
