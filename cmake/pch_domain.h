// For the folders that speak of the domain: what nearly every file of theirs reads.
#pragma once

#include "pch.h"

#include "domain/draft.h"
#include "domain/operation_step.h"
#include "domain/ports.h"
#include "domain/resource_step.h"
#include "store/store.h"
