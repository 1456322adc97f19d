// For every test.
#pragma once

#include "pch_domain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
