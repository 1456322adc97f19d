// A world with plans of machines, and what one asks of it by the EC2 API.
#pragma once

#include <gmock/gmock.h>

#include "faces/machine_test_support.h"

namespace slipway::faces::test {

// As the document writes it.
inline const std::string kSuitepad = R"({
    "username": "suitepad",
    "password": "suitepad"
})";

// What differs from run to run, in words.
inline std::string golden(const Reply& reply) {
    std::string text = fmt::format("{} {}", reply.status, reply.body);
    text = std::regex_replace(text, std::regex("10\\.77\\.0\\.[0-9]+"), "IP");
    text = std::regex_replace(text, std::regex("oct-[0-9a-f]{8}"), "NAME");
    text = std::regex_replace(text, std::regex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
                              "UUID");
    return std::regex_replace(text, std::regex("20[0-9]{2}-[-0-9T:.]+Z"), "TIME");
}

class Ec2Test : public ::testing::Test {
  protected:
    Reply create(const std::string& body = kSuitepad, const Fields& fields = {}) {
        return world.ask(Method::post, "/create", body, fields);
    }
    // The task of a creation that has begun.
    std::string begin(const std::string& body = kSuitepad, const Fields& fields = {}) {
        return task_in(world.ask(Method::post, "/create-async", body, fields));
    }
    Reply status(const std::string& task, const Fields& fields = {}) {
        return world.ask(Method::get, "/status/" + task, {}, fields);
    }
    // The address of a ready machine.
    std::string make(const Fields& fields = {}) {
        const Reply made = create(kSuitepad, fields);
        EXPECT_EQ(made.status, 200) << made.body;
        return json::get_string(made.json(), "ip");
    }
    json::array listed(const Fields& fields = {}) {
        const Reply reply = world.ask(Method::get, "/instances", {}, fields);
        EXPECT_EQ(reply.status, 200) << reply.body;
        return reply.json().at("instances").as_array();
    }
    static std::string task_in(const Reply& reply) {
        EXPECT_EQ(reply.status, 200) << reply.body;
        return json::get_string(reply.json(), "task_id");
    }
    void fail_creations(std::string why) {
        ProviderError error;
        error.error_class = ErrorClass::permanent;
        error.message = std::move(why);
        world.worker.create_error = std::move(error);
    }

    World world{false, machine_catalog()};
};

}  // namespace slipway::faces::test
