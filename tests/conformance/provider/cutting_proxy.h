// Stands between a provider and its server and cuts every connection at a chosen moment: just before or just after
// the n-th thing that is said to the server reaches it.
#pragma once

#include <array>
#include <memory>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "base/start_test_support.h"

namespace slipway::testing {

enum class Cut : std::uint8_t { request_lost, answer_lost };

class CuttingProxy {
    using Tcp = boost::asio::ip::tcp;
    struct State {
        State(boost::asio::io_context& io, std::uint16_t port)
            : context(io), target(port), acceptor(io, {boost::asio::ip::make_address("127.0.0.1"), 0}) {}
        boost::asio::io_context& context;
        std::uint16_t target;
        Tcp::acceptor acceptor;
        int said = 0;
        int cut_at = 0;
        Cut cut = Cut::request_lost;
        bool fired = false;
    };
    struct Pair {
        explicit Pair(boost::asio::io_context& io) : client(io), server(io) {}
        void close() {
            boost::system::error_code ignored;
            client.close(ignored);
            server.close(ignored);
        }
        Tcp::socket client;
        Tcp::socket server;
    };

  public:
    CuttingProxy(boost::asio::io_context& io, std::uint16_t port) : state_(std::make_shared<State>(io, port)) {
        start(io, accept(state_));
    }
    CuttingProxy(const CuttingProxy&) = delete;
    CuttingProxy& operator=(const CuttingProxy&) = delete;
    ~CuttingProxy() {
        boost::system::error_code ignored;
        state_->acceptor.close(ignored);
    }

    void arm(int cut_at, Cut cut) {
        state_->said = 0;
        state_->fired = false;
        state_->cut_at = cut_at;
        state_->cut = cut;
    }
    [[nodiscard]] bool fired() const { return state_->fired; }
    [[nodiscard]] std::uint16_t port() const { return state_->acceptor.local_endpoint().port(); }

  private:
    static constexpr auto kAwait = boost::asio::as_tuple(boost::asio::use_awaitable);

    static Task<void> accept(std::shared_ptr<State> state) {
        while (state->acceptor.is_open()) {
            const auto pair = std::make_shared<Pair>(state->context);
            const auto accepted = co_await state->acceptor.async_accept(pair->client, kAwait);
            if (std::get<0>(accepted)) co_return;
            if (state->fired) continue;  // who asked is dead
            const auto connected = co_await pair->server.async_connect(
                {boost::asio::ip::make_address("127.0.0.1"), state->target}, kAwait);
            if (std::get<0>(connected)) continue;
            start(state->context, forward(state, pair));
            start(state->context, answer(state, pair));
        }
    }
    static Task<void> forward(std::shared_ptr<State> state, std::shared_ptr<Pair> pair) {
        std::array<char, 65536> chunk{};
        while (true) {
            const auto got = co_await pair->client.async_read_some(boost::asio::buffer(chunk), kAwait);
            if (std::get<0>(got)) break;
            const bool now = ++state->said == state->cut_at;
            if (now) state->fired = true;
            if (state->fired && (!now || state->cut == Cut::request_lost)) break;
            const auto sent = co_await boost::asio::async_write(
                pair->server, boost::asio::buffer(chunk.data(), std::get<1>(got)), kAwait);
            if (now || std::get<0>(sent)) break;
        }
        pair->close();
    }
    static Task<void> answer(std::shared_ptr<State> state, std::shared_ptr<Pair> pair) {
        std::array<char, 65536> chunk{};
        while (true) {
            const auto got = co_await pair->server.async_read_some(boost::asio::buffer(chunk), kAwait);
            if (std::get<0>(got) || state->fired) break;
            const auto sent = co_await boost::asio::async_write(
                pair->client, boost::asio::buffer(chunk.data(), std::get<1>(got)), kAwait);
            if (std::get<0>(sent)) break;
        }
        pair->close();
    }

    std::shared_ptr<State> state_;
};

}  // namespace slipway::testing
