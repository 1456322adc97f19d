PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE migrations (
    number     INTEGER NOT NULL PRIMARY KEY CHECK (number >= 1),
    title      TEXT NOT NULL,
    checksum   TEXT NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT;
INSERT INTO migrations VALUES(1,'initial','7ffdd71ae553ab8af9b0b0b88c68c5945db66ef16f6cbbfe281a7bf0e3e98e53',1700000000000000);
CREATE TABLE resources (
    id            TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
    version       INTEGER NOT NULL CHECK (version >= 1),
    organization  TEXT NOT NULL CHECK (organization <> ''),
    kind          TEXT NOT NULL CHECK (kind IN ('cache', 'database_server', 'database', 'machine', 'cluster')),
    engine        TEXT NOT NULL,
    plan          TEXT NOT NULL,
    provider      TEXT NOT NULL,
    external_name TEXT NOT NULL,
    name          TEXT NOT NULL,
    billing_code  TEXT NOT NULL,
    pooled        INTEGER NOT NULL CHECK (pooled IN (0, 1)),
    state         TEXT NOT NULL CHECK (state IN ('requested', 'provisioning', 'ready', 'updating',
                                                 'deprovisioning', 'gone', 'failed')),
    body          TEXT NOT NULL CHECK (body <> '')
) STRICT;
INSERT INTO resources VALUES('res_000001',3,'acme','cache','redis','small','local','slipway-000001','cache 1','code-1',0,'provisioning','{"id":"res_000001","name":"cache 1","kind":"cache","engine":"redis","plan":"small","provider":"local","external_name":"slipway-000001","generation":1,"organization":"acme","face":"native","billing_code":"code-1","labels":{},"pooled":false,"host":"","state":{"is":"provisioning","operation":"op_000001"},"health":"unknown","health_at":1700000000000000,"health_detail":"","remnants":[],"parameters":{"maxmemory":67108864},"allocations":{"port":20000},"secrets":{"password":{"key":"key-1","ciphertext":"c2VhbGVk"}},"handle":{},"created_at":1700000000000000,"updated_at":1700000006000000}');
INSERT INTO resources VALUES('res_000002',2,'acme','cache','redis','small','local','slipway-000002','cache 2','code-1',0,'provisioning','{"id":"res_000002","name":"cache 2","kind":"cache","engine":"redis","plan":"small","provider":"local","external_name":"slipway-000002","generation":1,"organization":"acme","face":"native","billing_code":"code-1","labels":{"team":"ü\"x\""},"pooled":false,"host":"","state":{"is":"provisioning","operation":"op_000002"},"health":"unknown","health_at":1700000000000000,"health_detail":"","remnants":[],"parameters":{"maxmemory":67108864},"allocations":{"port":20001},"secrets":{"password":{"key":"key-1","ciphertext":"c2VhbGVk"}},"handle":{},"created_at":1700000000000000,"updated_at":1700000102000000}');
INSERT INTO resources VALUES('res_000003',2,'globex','cache','redis','small','local','slipway-000003','cache 3','code ''two''',0,'ready','{"id":"res_000003","name":"cache 3","kind":"cache","engine":"redis","plan":"small","provider":"local","external_name":"slipway-000003","generation":1,"organization":"globex","face":"native","billing_code":"code ''two''","labels":{},"pooled":false,"host":"","state":{"is":"ready","endpoint":{"scheme":"redis","host":"127.0.0.1","port":6379},"maintenance":""},"health":"unknown","health_at":1700000000000000,"health_detail":"","remnants":[],"parameters":{"maxmemory":67108864},"allocations":{"port":20002},"secrets":{"password":{"key":"key-1","ciphertext":"c2VhbGVk"}},"handle":{},"created_at":1700000000000000,"updated_at":1700000103000000}');
INSERT INTO resources VALUES('res_000004',2,'acme','cache','redis','large','local','slipway-000004','cache 4','code-1',0,'updating','{"id":"res_000004","name":"cache 4","kind":"cache","engine":"redis","plan":"large","provider":"local","external_name":"slipway-000004","generation":1,"organization":"acme","face":"native","billing_code":"code-1","labels":{"team":"ü\"x\""},"pooled":false,"host":"","state":{"is":"updating","operation":"op_000004","endpoint":{"scheme":"redis","host":"127.0.0.1","port":6379}},"health":"unknown","health_at":1700000000000000,"health_detail":"","remnants":[],"parameters":{"maxmemory":67108864},"allocations":{"port":20003},"secrets":{"password":{"key":"key-1","ciphertext":"c2VhbGVk"}},"handle":{},"created_at":1700000000000000,"updated_at":1700000104000000}');
INSERT INTO resources VALUES('res_000005',2,'acme','cache','redis','small','local','slipway-000005','cache 5','code-1',0,'deprovisioning','{"id":"res_000005","name":"cache 5","kind":"cache","engine":"redis","plan":"small","provider":"local","external_name":"slipway-000005","generation":1,"organization":"acme","face":"native","billing_code":"code-1","labels":{},"pooled":false,"host":"","state":{"is":"deprovisioning","operation":"op_000005"},"health":"unknown","health_at":1700000000000000,"health_detail":"","remnants":[],"parameters":{"maxmemory":67108864},"allocations":{"port":20004},"secrets":{"password":{"key":"key-1","ciphertext":"c2VhbGVk"}},"handle":{},"created_at":1700000000000000,"updated_at":1700000105000000}');
INSERT INTO resources VALUES('res_000006',2,'globex','cache','redis','small','local','slipway-000006','cache 6','code-1',0,'gone','{"id":"res_000006","name":"cache 6","kind":"cache","engine":"redis","plan":"small","provider":"local","external_name":"slipway-000006","generation":1,"organization":"globex","face":"native","billing_code":"code-1","labels":{"team":"ü\"x\""},"pooled":false,"host":"","state":{"is":"gone","at":1700000009000000},"health":"unknown","health_at":1700000000000000,"health_detail":"","remnants":[],"parameters":{"maxmemory":67108864},"allocations":{"port":20005},"secrets":{"password":{"key":"key-1","ciphertext":"c2VhbGVk"}},"handle":{},"created_at":1700000000000000,"updated_at":1700000106000000}');
INSERT INTO resources VALUES('res_000007',2,'acme','cache','redis','small','local','slipway-000007','cache 7','code-1',0,'failed','{"id":"res_000007","name":"cache 7","kind":"cache","engine":"redis","plan":"small","provider":"local","external_name":"slipway-000007","generation":1,"organization":"acme","face":"native","billing_code":"code-1","labels":{},"pooled":false,"host":"","state":{"is":"failed","reason":"no room"},"health":"unknown","health_at":1700000000000000,"health_detail":"","remnants":[],"parameters":{"maxmemory":67108864},"allocations":{"port":20006},"secrets":{"password":{"key":"key-1","ciphertext":"c2VhbGVk"}},"handle":{},"created_at":1700000000000000,"updated_at":1700000107000000}');
INSERT INTO resources VALUES('res_000008',2,'acme','cache','redis','small','local','slipway-000008','cache 8','code-1',1,'requested','{"id":"res_000008","name":"cache 8","kind":"cache","engine":"redis","plan":"small","provider":"local","external_name":"slipway-000008","generation":1,"organization":"acme","face":"native","billing_code":"code-1","labels":{"team":"ü\"x\""},"pooled":true,"host":"","state":{"is":"requested","operation":"op_000001"},"health":"unknown","health_at":1700000000000000,"health_detail":"","remnants":[],"parameters":{"maxmemory":67108864},"allocations":{"port":20007},"secrets":{"password":{"key":"key-1","ciphertext":"c2VhbGVk"}},"handle":{},"created_at":1700000000000000,"updated_at":1700000108000000}');
INSERT INTO resources VALUES('res_000009',2,'globex','cache','redis','small','local','slipway-000009','cache 9','code-1',1,'provisioning','{"id":"res_000009","name":"cache 9","kind":"cache","engine":"redis","plan":"small","provider":"local","external_name":"slipway-000009","generation":1,"organization":"globex","face":"native","billing_code":"code-1","labels":{},"pooled":true,"host":"","state":{"is":"provisioning","operation":"op_000002"},"health":"unknown","health_at":1700000000000000,"health_detail":"","remnants":[],"parameters":{"maxmemory":67108864},"allocations":{"port":20008},"secrets":{"password":{"key":"key-1","ciphertext":"c2VhbGVk"}},"handle":{},"created_at":1700000000000000,"updated_at":1700000109000000}');
INSERT INTO resources VALUES('res_000010',2,'acme','cache','redis','small','local','slipway-000010','cache 10','code-1',1,'ready','{"id":"res_000010","name":"cache 10","kind":"cache","engine":"redis","plan":"small","provider":"local","external_name":"slipway-000010","generation":1,"organization":"acme","face":"native","billing_code":"code-1","labels":{"team":"ü\"x\""},"pooled":true,"host":"","state":{"is":"ready","endpoint":{"scheme":"redis","host":"127.0.0.1","port":6379},"maintenance":""},"health":"unknown","health_at":1700000000000000,"health_detail":"","remnants":[],"parameters":{"maxmemory":67108864},"allocations":{"port":20009},"secrets":{"password":{"key":"key-1","ciphertext":"c2VhbGVk"}},"handle":{},"created_at":1700000000000000,"updated_at":1700000110000000}');
INSERT INTO resources VALUES('res_000011',2,'acme','cache','redis','small','local','slipway-000011','cache 11','code-1',1,'updating','{"id":"res_000011","name":"cache 11","kind":"cache","engine":"redis","plan":"small","provider":"local","external_name":"slipway-000011","generation":1,"organization":"acme","face":"native","billing_code":"code-1","labels":{},"pooled":true,"host":"","state":{"is":"updating","operation":"op_000004","endpoint":{"scheme":"redis","host":"127.0.0.1","port":6379}},"health":"unknown","health_at":1700000000000000,"health_detail":"","remnants":[],"parameters":{"maxmemory":67108864},"allocations":{"port":20010},"secrets":{"password":{"key":"key-1","ciphertext":"c2VhbGVk"}},"handle":{},"created_at":1700000000000000,"updated_at":1700000111000000}');
INSERT INTO resources VALUES('res_000012',2,'globex','cache','redis','small','local','slipway-000012','cache 12','code-1',1,'deprovisioning','{"id":"res_000012","name":"cache 12","kind":"cache","engine":"redis","plan":"small","provider":"local","external_name":"slipway-000012","generation":1,"organization":"globex","face":"native","billing_code":"code-1","labels":{"team":"ü\"x\""},"pooled":true,"host":"","state":{"is":"deprovisioning","operation":"op_000005"},"health":"unknown","health_at":1700000000000000,"health_detail":"","remnants":[],"parameters":{"maxmemory":67108864},"allocations":{"port":20011},"secrets":{"password":{"key":"key-1","ciphertext":"c2VhbGVk"}},"handle":{},"created_at":1700000000000000,"updated_at":1700000112000000}');
INSERT INTO resources VALUES('res_000013',2,'acme','cache','redis','small','local','slipway-000013','cache 13','code-1',1,'gone','{"id":"res_000013","name":"cache 13","kind":"cache","engine":"redis","plan":"small","provider":"local","external_name":"slipway-000013","generation":1,"organization":"acme","face":"native","billing_code":"code-1","labels":{},"pooled":true,"host":"","state":{"is":"gone","at":1700000009000000},"health":"unknown","health_at":1700000000000000,"health_detail":"","remnants":[],"parameters":{"maxmemory":67108864},"allocations":{"port":20012},"secrets":{"password":{"key":"key-1","ciphertext":"c2VhbGVk"}},"handle":{},"created_at":1700000000000000,"updated_at":1700000113000000}');
INSERT INTO resources VALUES('res_000014',2,'acme','cache','redis','small','local','slipway-000014','cache 14','code-1',1,'failed','{"id":"res_000014","name":"cache 14","kind":"cache","engine":"redis","plan":"small","provider":"local","external_name":"slipway-000014","generation":1,"organization":"acme","face":"native","billing_code":"code-1","labels":{"team":"ü\"x\""},"pooled":true,"host":"","state":{"is":"failed","reason":"no room"},"health":"unknown","health_at":1700000000000000,"health_detail":"","remnants":[],"parameters":{"maxmemory":67108864},"allocations":{"port":20013},"secrets":{"password":{"key":"key-1","ciphertext":"c2VhbGVk"}},"handle":{},"created_at":1700000000000000,"updated_at":1700000114000000}');
CREATE TABLE labels (
    key      TEXT NOT NULL,
    value    TEXT NOT NULL,
    resource TEXT NOT NULL REFERENCES resources (id) DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (key, value, resource)
) STRICT, WITHOUT ROWID;
INSERT INTO labels VALUES('team','ü"x"','res_000002');
INSERT INTO labels VALUES('team','ü"x"','res_000004');
INSERT INTO labels VALUES('team','ü"x"','res_000006');
INSERT INTO labels VALUES('team','ü"x"','res_000008');
INSERT INTO labels VALUES('team','ü"x"','res_000010');
INSERT INTO labels VALUES('team','ü"x"','res_000012');
INSERT INTO labels VALUES('team','ü"x"','res_000014');
CREATE TABLE organization_usage (
    organization TEXT NOT NULL PRIMARY KEY,
    live         INTEGER NOT NULL CHECK (live >= 0)
) STRICT, WITHOUT ROWID;
INSERT INTO organization_usage VALUES('acme',7);
INSERT INTO organization_usage VALUES('globex',3);
CREATE TABLE operations (
    id           TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
    version      INTEGER NOT NULL CHECK (version >= 1),
    fence        INTEGER NOT NULL CHECK (fence >= 0),
    resource     TEXT NOT NULL REFERENCES resources (id) DEFERRABLE INITIALLY DEFERRED,
    organization TEXT NOT NULL CHECK (organization <> ''),
    kind         TEXT NOT NULL CHECK (kind IN ('provision', 'deprovision', 'update', 'repair', 'claim')),
    provider     TEXT NOT NULL,
    host         TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('queued', 'running', 'waiting', 'retrying', 'succeeded',
                                                'failed', 'cancelled')),
    open         INTEGER NOT NULL CHECK (open IN (0, 1)),
    due_at       INTEGER,  -- when it may be leased: its time to run, or the end of its lease
    lease_token  TEXT,
    blocked_by   TEXT,
    body         TEXT NOT NULL CHECK (body <> ''),
    CHECK (open = (state IN ('queued', 'running', 'waiting', 'retrying'))),
    CHECK ((open = 1) = (due_at IS NOT NULL)),
    CHECK ((state = 'running') = (lease_token IS NOT NULL AND lease_token <> '')),
    CHECK (blocked_by IS NULL OR (blocked_by <> '' AND blocked_by <> id))
) STRICT;
INSERT INTO operations VALUES('op_000001',3,1,'res_000001','acme','provision','local','','succeeded',0,NULL,NULL,NULL,'{"id":"op_000001","resource":"res_000001","organization":"acme","kind":"provision","provider":"local","host":"","state":{"is":"succeeded","at":1700000007000000},"direction":"forward","cursor":0,"steps":[{"kind":"create","status":"intended","uncertain":false,"absent_once":false,"attempts":0,"last_error":"","request_id":""},{"kind":"verify","status":"pending","uncertain":false,"absent_once":false,"attempts":0,"last_error":"","request_id":""}],"token":"token-1","fence":1,"leases":1,"cancel_requested":false,"cancel_reason":"","failure":"","run_at":1700000036000000,"deadline":1700086405000000,"actor":"key_1","request_id":"","created_at":1700000000000000,"updated_at":1700000007000000}');
INSERT INTO operations VALUES('op_000002',3,1,'res_000002','acme','provision','local','','failed',0,NULL,NULL,NULL,'{"id":"op_000002","resource":"res_000002","organization":"acme","kind":"provision","provider":"local","host":"","state":{"is":"failed","at":1700000007000000,"reason":"why"},"direction":"forward","cursor":0,"steps":[{"kind":"create","status":"intended","uncertain":false,"absent_once":false,"attempts":0,"last_error":"","request_id":""},{"kind":"verify","status":"pending","uncertain":false,"absent_once":false,"attempts":0,"last_error":"","request_id":""}],"token":"token-2","fence":1,"leases":1,"cancel_requested":false,"cancel_reason":"","failure":"","run_at":1700000036000000,"deadline":1700086404000000,"actor":"key_1","request_id":"","created_at":1700000000000000,"updated_at":1700000007000000}');
INSERT INTO operations VALUES('op_000003',3,1,'res_000003','globex','provision','local','','cancelled',0,NULL,NULL,NULL,'{"id":"op_000003","resource":"res_000003","organization":"globex","kind":"provision","provider":"local","host":"","state":{"is":"cancelled","at":1700000007000000,"reason":"asked"},"direction":"forward","cursor":0,"steps":[{"kind":"create","status":"intended","uncertain":false,"absent_once":false,"attempts":0,"last_error":"","request_id":""},{"kind":"verify","status":"pending","uncertain":false,"absent_once":false,"attempts":0,"last_error":"","request_id":""}],"token":"token-3","fence":1,"leases":1,"cancel_requested":false,"cancel_reason":"","failure":"","run_at":1700000036000000,"deadline":1700086403000000,"actor":"key_1","request_id":"","created_at":1700000000000000,"updated_at":1700000007000000}');
INSERT INTO operations VALUES('op_000004',3,1,'res_000004','acme','provision','local','','waiting',1,1700000060000000,NULL,NULL,'{"id":"op_000004","resource":"res_000004","organization":"acme","kind":"provision","provider":"local","host":"","state":{"is":"waiting","until":1700000060000000,"why":"slow"},"direction":"forward","cursor":0,"steps":[{"kind":"create","status":"intended","uncertain":false,"absent_once":false,"attempts":0,"last_error":"","request_id":""},{"kind":"verify","status":"pending","uncertain":false,"absent_once":false,"attempts":0,"last_error":"","request_id":""}],"token":"token-4","fence":1,"leases":1,"cancel_requested":false,"cancel_reason":"","failure":"","run_at":1700000036000000,"deadline":1700086402000000,"actor":"key_1","request_id":"","created_at":1700000000000000,"updated_at":1700000007000000}');
INSERT INTO operations VALUES('op_000005',3,1,'res_000005','acme','provision','local','','retrying',1,1700000060000000,NULL,NULL,'{"id":"op_000005","resource":"res_000005","organization":"acme","kind":"provision","provider":"local","host":"","state":{"is":"retrying","until":1700000060000000,"error":"again"},"direction":"forward","cursor":0,"steps":[{"kind":"create","status":"intended","uncertain":false,"absent_once":false,"attempts":0,"last_error":"","request_id":""},{"kind":"verify","status":"pending","uncertain":false,"absent_once":false,"attempts":0,"last_error":"","request_id":""}],"token":"token-5","fence":1,"leases":1,"cancel_requested":false,"cancel_reason":"","failure":"","run_at":1700000036000000,"deadline":1700086401000000,"actor":"key_1","request_id":"","created_at":1700000000000000,"updated_at":1700000007000000}');
INSERT INTO operations VALUES('op_000006',2,1,'res_000006','globex','provision','local','','running',1,1700000036000000,'host-1/01hf7yazvg0rvxzwmhvrccbtsg',NULL,'{"id":"op_000006","resource":"res_000006","organization":"globex","kind":"provision","provider":"local","host":"","state":{"is":"running","token":"host-1/01hf7yazvg0rvxzwmhvrccbtsg","until":1700000036000000},"direction":"forward","cursor":0,"steps":[{"kind":"create","status":"intended","uncertain":false,"absent_once":false,"attempts":0,"last_error":"","request_id":""},{"kind":"verify","status":"pending","uncertain":false,"absent_once":false,"attempts":0,"last_error":"","request_id":""}],"token":"token-6","fence":1,"leases":1,"cancel_requested":false,"cancel_reason":"","failure":"","run_at":1700000036000000,"deadline":1700086400000000,"actor":"key_1","request_id":"","created_at":1700000000000000,"updated_at":1700000006000000}');
INSERT INTO operations VALUES('op_000007',1,0,'res_000007','acme','provision','local','','queued',1,1700000007000000,NULL,NULL,'{"id":"op_000007","resource":"res_000007","organization":"acme","kind":"provision","provider":"local","host":"","state":{"is":"queued"},"direction":"forward","cursor":0,"steps":[{"kind":"create","status":"pending","uncertain":false,"absent_once":false,"attempts":0,"last_error":"","request_id":""},{"kind":"verify","status":"pending","uncertain":false,"absent_once":false,"attempts":0,"last_error":"","request_id":""}],"token":"token-7","fence":0,"leases":0,"cancel_requested":false,"cancel_reason":"","failure":"","run_at":1700000007000000,"deadline":1700086400000000,"actor":"key_1","request_id":"","created_at":1700000000000000,"updated_at":1700000000000000}');
INSERT INTO operations VALUES('op_000008',1,0,'res_000008','acme','provision','local','','queued',1,1700000008000000,NULL,NULL,'{"id":"op_000008","resource":"res_000008","organization":"acme","kind":"provision","provider":"local","host":"","state":{"is":"queued"},"direction":"forward","cursor":0,"steps":[{"kind":"create","status":"pending","uncertain":false,"absent_once":false,"attempts":0,"last_error":"","request_id":""},{"kind":"verify","status":"pending","uncertain":false,"absent_once":false,"attempts":0,"last_error":"","request_id":""}],"token":"token-8","fence":0,"leases":0,"cancel_requested":false,"cancel_reason":"","failure":"","run_at":1700000008000000,"deadline":1700086400000000,"actor":"key_1","request_id":"","created_at":1700000000000000,"updated_at":1700000000000000}');
INSERT INTO operations VALUES('op_000009',1,0,'res_000009','globex','provision','local','','queued',1,1700000009000000,NULL,NULL,'{"id":"op_000009","resource":"res_000009","organization":"globex","kind":"provision","provider":"local","host":"","state":{"is":"queued"},"direction":"forward","cursor":0,"steps":[{"kind":"create","status":"pending","uncertain":false,"absent_once":false,"attempts":0,"last_error":"","request_id":""},{"kind":"verify","status":"pending","uncertain":false,"absent_once":false,"attempts":0,"last_error":"","request_id":""}],"token":"token-9","fence":0,"leases":0,"cancel_requested":false,"cancel_reason":"","failure":"","run_at":1700000009000000,"deadline":1700086400000000,"actor":"key_1","request_id":"","created_at":1700000000000000,"updated_at":1700000000000000}');
INSERT INTO operations VALUES('op_000010',1,0,'res_000010','acme','provision','local','','queued',1,1700000010000000,NULL,NULL,'{"id":"op_000010","resource":"res_000010","organization":"acme","kind":"provision","provider":"local","host":"","state":{"is":"queued"},"direction":"forward","cursor":0,"steps":[{"kind":"create","status":"pending","uncertain":false,"absent_once":false,"attempts":0,"last_error":"","request_id":""},{"kind":"verify","status":"pending","uncertain":false,"absent_once":false,"attempts":0,"last_error":"","request_id":""}],"token":"token-10","fence":0,"leases":0,"cancel_requested":false,"cancel_reason":"","failure":"","run_at":1700000010000000,"deadline":1700086400000000,"actor":"key_1","request_id":"","created_at":1700000000000000,"updated_at":1700000000000000}');
INSERT INTO operations VALUES('op_000011',1,0,'res_000011','acme','provision','local','','queued',1,1700000011000000,NULL,NULL,'{"id":"op_000011","resource":"res_000011","organization":"acme","kind":"provision","provider":"local","host":"","state":{"is":"queued"},"direction":"forward","cursor":0,"steps":[{"kind":"create","status":"pending","uncertain":false,"absent_once":false,"attempts":0,"last_error":"","request_id":""},{"kind":"verify","status":"pending","uncertain":false,"absent_once":false,"attempts":0,"last_error":"","request_id":""}],"token":"token-11","fence":0,"leases":0,"cancel_requested":false,"cancel_reason":"","failure":"","run_at":1700000011000000,"deadline":1700086400000000,"actor":"key_1","request_id":"","created_at":1700000000000000,"updated_at":1700000000000000}');
INSERT INTO operations VALUES('op_000012',1,0,'res_000012','globex','provision','local','','queued',1,1700000012000000,NULL,NULL,'{"id":"op_000012","resource":"res_000012","organization":"globex","kind":"provision","provider":"local","host":"","state":{"is":"queued"},"direction":"forward","cursor":0,"steps":[{"kind":"create","status":"pending","uncertain":false,"absent_once":false,"attempts":0,"last_error":"","request_id":""},{"kind":"verify","status":"pending","uncertain":false,"absent_once":false,"attempts":0,"last_error":"","request_id":""}],"token":"token-12","fence":0,"leases":0,"cancel_requested":false,"cancel_reason":"","failure":"","run_at":1700000012000000,"deadline":1700086400000000,"actor":"key_1","request_id":"","created_at":1700000000000000,"updated_at":1700000000000000}');
INSERT INTO operations VALUES('op_000013',1,0,'res_000013','acme','provision','local','','queued',1,1700000013000000,NULL,NULL,'{"id":"op_000013","resource":"res_000013","organization":"acme","kind":"provision","provider":"local","host":"","state":{"is":"queued"},"direction":"forward","cursor":0,"steps":[{"kind":"create","status":"pending","uncertain":false,"absent_once":false,"attempts":0,"last_error":"","request_id":""},{"kind":"verify","status":"pending","uncertain":false,"absent_once":false,"attempts":0,"last_error":"","request_id":""}],"token":"token-13","fence":0,"leases":0,"cancel_requested":false,"cancel_reason":"","failure":"","run_at":1700000013000000,"deadline":1700086400000000,"actor":"key_1","request_id":"","created_at":1700000000000000,"updated_at":1700000000000000}');
INSERT INTO operations VALUES('op_000014',1,0,'res_000014','acme','provision','local','','queued',1,1700000014000000,NULL,NULL,'{"id":"op_000014","resource":"res_000014","organization":"acme","kind":"provision","provider":"local","host":"","state":{"is":"queued"},"direction":"forward","cursor":0,"steps":[{"kind":"create","status":"pending","uncertain":false,"absent_once":false,"attempts":0,"last_error":"","request_id":""},{"kind":"verify","status":"pending","uncertain":false,"absent_once":false,"attempts":0,"last_error":"","request_id":""}],"token":"token-14","fence":0,"leases":0,"cancel_requested":false,"cancel_reason":"","failure":"","run_at":1700000014000000,"deadline":1700086400000000,"actor":"key_1","request_id":"","created_at":1700000000000000,"updated_at":1700000000000000}');
INSERT INTO operations VALUES('op_000050',1,0,'res_000008','acme','deprovision','local','','queued',1,1700000000000000,NULL,'op_000008','{"id":"op_000050","resource":"res_000008","organization":"acme","kind":"deprovision","provider":"local","host":"","state":{"is":"queued"},"direction":"forward","cursor":0,"steps":[{"kind":"create","status":"pending","uncertain":false,"absent_once":false,"attempts":0,"last_error":"","request_id":""},{"kind":"verify","status":"pending","uncertain":false,"absent_once":false,"attempts":0,"last_error":"","request_id":""}],"token":"token-50","fence":0,"leases":0,"cancel_requested":false,"cancel_reason":"","failure":"","run_at":1700000000000000,"deadline":1700086400000000,"actor":"key_1","request_id":"","created_at":1700000000000000,"updated_at":1700000000000000}');
CREATE TABLE events (
    sequence INTEGER NOT NULL PRIMARY KEY CHECK (sequence >= 1),
    at       INTEGER NOT NULL,
    resource TEXT,
    body     TEXT NOT NULL CHECK (body <> '')
) STRICT;
INSERT INTO events VALUES(1,1700000000000000,'res_000001','{"at":1700000000000000,"type":"resource.requested","message":"it''s \"asked for\" by ü","resource":"res_000001","operation":"op_000001","organization":"acme","actor":"key_1","request_id":"","provider_request_id":"","data":{"n":1}}');
INSERT INTO events VALUES(2,1700000000000000,'res_000001','{"at":1700000000000000,"type":"operation.started","message":"it happened","resource":"res_000001","operation":"op_000001","organization":"acme","actor":"key_1","request_id":"","provider_request_id":"","data":{}}');
INSERT INTO events VALUES(3,1700000000000000,'res_000002','{"at":1700000000000000,"type":"resource.requested","message":"it''s \"asked for\" by ü","resource":"res_000002","operation":"op_000002","organization":"acme","actor":"key_1","request_id":"","provider_request_id":"","data":{"n":2}}');
INSERT INTO events VALUES(4,1700000000000000,'res_000002','{"at":1700000000000000,"type":"resource.ready","message":"it happened","resource":"res_000002","operation":"op_000002","organization":"acme","actor":"key_1","request_id":"","provider_request_id":"","data":{}}');
INSERT INTO events VALUES(5,1700000000000000,'res_000003','{"at":1700000000000000,"type":"resource.requested","message":"it''s \"asked for\" by ü","resource":"res_000003","operation":"op_000003","organization":"globex","actor":"key_1","request_id":"","provider_request_id":"","data":{"n":3}}');
INSERT INTO events VALUES(6,1700000000000000,'res_000003','{"at":1700000000000000,"type":"operation.started","message":"it happened","resource":"res_000003","operation":"op_000003","organization":"globex","actor":"key_1","request_id":"","provider_request_id":"","data":{}}');
INSERT INTO events VALUES(7,1700000000000000,'res_000004','{"at":1700000000000000,"type":"resource.requested","message":"it''s \"asked for\" by ü","resource":"res_000004","operation":"op_000004","organization":"acme","actor":"key_1","request_id":"","provider_request_id":"","data":{"n":4}}');
INSERT INTO events VALUES(8,1700000000000000,'res_000004','{"at":1700000000000000,"type":"resource.ready","message":"it happened","resource":"res_000004","operation":"op_000004","organization":"acme","actor":"key_1","request_id":"","provider_request_id":"","data":{}}');
INSERT INTO events VALUES(9,1700000000000000,'res_000005','{"at":1700000000000000,"type":"resource.requested","message":"it''s \"asked for\" by ü","resource":"res_000005","operation":"op_000005","organization":"acme","actor":"key_1","request_id":"","provider_request_id":"","data":{"n":5}}');
INSERT INTO events VALUES(10,1700000000000000,'res_000005','{"at":1700000000000000,"type":"operation.started","message":"it happened","resource":"res_000005","operation":"op_000005","organization":"acme","actor":"key_1","request_id":"","provider_request_id":"","data":{}}');
INSERT INTO events VALUES(11,1700000000000000,'res_000006','{"at":1700000000000000,"type":"resource.requested","message":"it''s \"asked for\" by ü","resource":"res_000006","operation":"op_000006","organization":"globex","actor":"key_1","request_id":"","provider_request_id":"","data":{"n":6}}');
INSERT INTO events VALUES(12,1700000000000000,'res_000006','{"at":1700000000000000,"type":"resource.ready","message":"it happened","resource":"res_000006","operation":"op_000006","organization":"globex","actor":"key_1","request_id":"","provider_request_id":"","data":{}}');
INSERT INTO events VALUES(13,1700000000000000,'res_000007','{"at":1700000000000000,"type":"resource.requested","message":"it''s \"asked for\" by ü","resource":"res_000007","operation":"op_000007","organization":"acme","actor":"key_1","request_id":"","provider_request_id":"","data":{"n":7}}');
INSERT INTO events VALUES(14,1700000000000000,'res_000007','{"at":1700000000000000,"type":"operation.started","message":"it happened","resource":"res_000007","operation":"op_000007","organization":"acme","actor":"key_1","request_id":"","provider_request_id":"","data":{}}');
INSERT INTO events VALUES(15,1700000000000000,'res_000008','{"at":1700000000000000,"type":"resource.requested","message":"it''s \"asked for\" by ü","resource":"res_000008","operation":"op_000008","organization":"acme","actor":"key_1","request_id":"","provider_request_id":"","data":{"n":8}}');
INSERT INTO events VALUES(16,1700000000000000,'res_000008','{"at":1700000000000000,"type":"resource.ready","message":"it happened","resource":"res_000008","operation":"op_000008","organization":"acme","actor":"key_1","request_id":"","provider_request_id":"","data":{}}');
INSERT INTO events VALUES(17,1700000000000000,'res_000009','{"at":1700000000000000,"type":"resource.requested","message":"it''s \"asked for\" by ü","resource":"res_000009","operation":"op_000009","organization":"globex","actor":"key_1","request_id":"","provider_request_id":"","data":{"n":9}}');
INSERT INTO events VALUES(18,1700000000000000,'res_000009','{"at":1700000000000000,"type":"operation.started","message":"it happened","resource":"res_000009","operation":"op_000009","organization":"globex","actor":"key_1","request_id":"","provider_request_id":"","data":{}}');
INSERT INTO events VALUES(19,1700000000000000,'res_000010','{"at":1700000000000000,"type":"resource.requested","message":"it''s \"asked for\" by ü","resource":"res_000010","operation":"op_000010","organization":"acme","actor":"key_1","request_id":"","provider_request_id":"","data":{"n":10}}');
INSERT INTO events VALUES(20,1700000000000000,'res_000010','{"at":1700000000000000,"type":"resource.ready","message":"it happened","resource":"res_000010","operation":"op_000010","organization":"acme","actor":"key_1","request_id":"","provider_request_id":"","data":{}}');
INSERT INTO events VALUES(21,1700000000000000,'res_000011','{"at":1700000000000000,"type":"resource.requested","message":"it''s \"asked for\" by ü","resource":"res_000011","operation":"op_000011","organization":"acme","actor":"key_1","request_id":"","provider_request_id":"","data":{"n":11}}');
INSERT INTO events VALUES(22,1700000000000000,'res_000011','{"at":1700000000000000,"type":"operation.started","message":"it happened","resource":"res_000011","operation":"op_000011","organization":"acme","actor":"key_1","request_id":"","provider_request_id":"","data":{}}');
INSERT INTO events VALUES(23,1700000000000000,'res_000012','{"at":1700000000000000,"type":"resource.requested","message":"it''s \"asked for\" by ü","resource":"res_000012","operation":"op_000012","organization":"globex","actor":"key_1","request_id":"","provider_request_id":"","data":{"n":12}}');
INSERT INTO events VALUES(24,1700000000000000,'res_000012','{"at":1700000000000000,"type":"resource.ready","message":"it happened","resource":"res_000012","operation":"op_000012","organization":"globex","actor":"key_1","request_id":"","provider_request_id":"","data":{}}');
INSERT INTO events VALUES(25,1700000000000000,'res_000013','{"at":1700000000000000,"type":"resource.requested","message":"it''s \"asked for\" by ü","resource":"res_000013","operation":"op_000013","organization":"acme","actor":"key_1","request_id":"","provider_request_id":"","data":{"n":13}}');
INSERT INTO events VALUES(26,1700000000000000,'res_000013','{"at":1700000000000000,"type":"operation.started","message":"it happened","resource":"res_000013","operation":"op_000013","organization":"acme","actor":"key_1","request_id":"","provider_request_id":"","data":{}}');
INSERT INTO events VALUES(27,1700000000000000,'res_000014','{"at":1700000000000000,"type":"resource.requested","message":"it''s \"asked for\" by ü","resource":"res_000014","operation":"op_000014","organization":"acme","actor":"key_1","request_id":"","provider_request_id":"","data":{"n":14}}');
INSERT INTO events VALUES(28,1700000000000000,'res_000014','{"at":1700000000000000,"type":"resource.ready","message":"it happened","resource":"res_000014","operation":"op_000014","organization":"acme","actor":"key_1","request_id":"","provider_request_id":"","data":{}}');
INSERT INTO events VALUES(29,1700000006000000,'res_000001','{"at":1700000006000000,"type":"operation.started","message":"provision started","resource":"res_000001","operation":"op_000001","organization":"acme","actor":"key_1","request_id":"","provider_request_id":"","data":{}}');
INSERT INTO events VALUES(30,1700000006000000,'res_000002','{"at":1700000006000000,"type":"operation.started","message":"provision started","resource":"res_000002","operation":"op_000002","organization":"acme","actor":"key_1","request_id":"","provider_request_id":"","data":{}}');
INSERT INTO events VALUES(31,1700000006000000,'res_000003','{"at":1700000006000000,"type":"operation.started","message":"provision started","resource":"res_000003","operation":"op_000003","organization":"globex","actor":"key_1","request_id":"","provider_request_id":"","data":{}}');
INSERT INTO events VALUES(32,1700000006000000,'res_000004','{"at":1700000006000000,"type":"operation.started","message":"provision started","resource":"res_000004","operation":"op_000004","organization":"acme","actor":"key_1","request_id":"","provider_request_id":"","data":{}}');
INSERT INTO events VALUES(33,1700000006000000,'res_000005','{"at":1700000006000000,"type":"operation.started","message":"provision started","resource":"res_000005","operation":"op_000005","organization":"acme","actor":"key_1","request_id":"","provider_request_id":"","data":{}}');
INSERT INTO events VALUES(34,1700000006000000,'res_000006','{"at":1700000006000000,"type":"operation.started","message":"provision started","resource":"res_000006","operation":"op_000006","organization":"globex","actor":"key_1","request_id":"","provider_request_id":"","data":{}}');
INSERT INTO events VALUES(35,1700000000000000,NULL,'{"at":1700000000000000,"type":"key.created","message":"m","resource":"","operation":"","organization":"acme","actor":"key_1","request_id":"","provider_request_id":"","data":{}}');
CREATE TABLE idempotency (
    scope        TEXT NOT NULL,
    key          TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    resource     TEXT NOT NULL,
    operation    TEXT NOT NULL,
    expires_at   INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
INSERT INTO idempotency VALUES('acme/redis','1','hash','res_000001','op_000001',1700086400000000);
INSERT INTO idempotency VALUES('acme/redis','10','hash','res_000010','op_000010',1700086400000000);
INSERT INTO idempotency VALUES('acme/redis','11','hash','res_000011','op_000011',1700086400000000);
INSERT INTO idempotency VALUES('acme/redis','12','hash','res_000012','op_000012',1700086400000000);
INSERT INTO idempotency VALUES('acme/redis','13','hash','res_000013','op_000013',1700086400000000);
INSERT INTO idempotency VALUES('acme/redis','14','hash','res_000014','op_000014',1700086400000000);
INSERT INTO idempotency VALUES('acme/redis','2','hash','res_000002','op_000002',1700086400000000);
INSERT INTO idempotency VALUES('acme/redis','3','hash','res_000003','op_000003',1700086400000000);
INSERT INTO idempotency VALUES('acme/redis','4','hash','res_000004','op_000004',1700086400000000);
INSERT INTO idempotency VALUES('acme/redis','5','hash','res_000005','op_000005',1700086400000000);
INSERT INTO idempotency VALUES('acme/redis','6','hash','res_000006','op_000006',1700086400000000);
INSERT INTO idempotency VALUES('acme/redis','7','hash','res_000007','op_000007',1700086400000000);
INSERT INTO idempotency VALUES('acme/redis','8','hash','res_000008','op_000008',1700086400000000);
INSERT INTO idempotency VALUES('acme/redis','9','hash','res_000009','op_000009',1700086400000000);
CREATE TABLE allocations (
    range      TEXT NOT NULL,
    value      INTEGER NOT NULL,
    resource   TEXT REFERENCES resources (id) DEFERRABLE INITIALLY DEFERRED,
    key        TEXT,
    rest_until INTEGER,
    PRIMARY KEY (range, value),
    CHECK ((resource IS NULL) = (key IS NULL)),
    CHECK ((resource IS NULL) = (rest_until IS NOT NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO allocations VALUES('local/port',20000,'res_000001','port',NULL);
INSERT INTO allocations VALUES('local/port',20001,'res_000002','port',NULL);
INSERT INTO allocations VALUES('local/port',20002,'res_000003','port',NULL);
INSERT INTO allocations VALUES('local/port',20003,'res_000004','port',NULL);
INSERT INTO allocations VALUES('local/port',20004,'res_000005','port',NULL);
INSERT INTO allocations VALUES('local/port',20005,NULL,NULL,1700000099000000);
INSERT INTO allocations VALUES('local/port',20006,'res_000007','port',NULL);
INSERT INTO allocations VALUES('local/port',20007,'res_000008','port',NULL);
INSERT INTO allocations VALUES('local/port',20008,'res_000009','port',NULL);
INSERT INTO allocations VALUES('local/port',20009,'res_000010','port',NULL);
INSERT INTO allocations VALUES('local/port',20010,'res_000011','port',NULL);
INSERT INTO allocations VALUES('local/port',20011,'res_000012','port',NULL);
INSERT INTO allocations VALUES('local/port',20012,'res_000013','port',NULL);
INSERT INTO allocations VALUES('local/port',20013,'res_000014','port',NULL);
CREATE TABLE organizations (
    id         TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
    title      TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO organizations VALUES('acme','Acme',1700000000000000);
CREATE TABLE api_keys (
    id           TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
    hash         TEXT NOT NULL UNIQUE CHECK (hash <> ''),
    organization TEXT NOT NULL CHECK (organization <> ''),
    role         TEXT NOT NULL CHECK (role IN ('reader', 'user', 'administrator')),
    description  TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    revoked_at   INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO api_keys VALUES('key_1','hash1','acme','administrator','first',1700000000000000,NULL);
INSERT INTO api_keys VALUES('key_2','hash2','acme','user','',1700000000000000,1700000001000000);
CREATE TABLE orphans (
    provider      TEXT NOT NULL,
    external_name TEXT NOT NULL,
    kind          TEXT NOT NULL CHECK (kind IN ('lost', 'gone', 'foreign')),
    detail        TEXT NOT NULL,
    resource      TEXT NOT NULL,
    generation    INTEGER NOT NULL CHECK (generation >= 0),
    first_seen    INTEGER NOT NULL,
    last_seen     INTEGER NOT NULL,
    removed_at    INTEGER,
    PRIMARY KEY (provider, external_name)
) STRICT, WITHOUT ROWID;
INSERT INTO orphans VALUES('local','lost-1','lost','d','',0,1700000000000000,1700000001000000,NULL);
CREATE TABLE settings (
    key   TEXT NOT NULL PRIMARY KEY CHECK (key <> ''),
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO settings VALUES('installation','inst-1');
CREATE UNIQUE INDEX resources_external_name ON resources (provider, external_name);
CREATE INDEX resources_state ON resources (state, id);
CREATE INDEX resources_organization ON resources (organization, state, id);
CREATE INDEX resources_name ON resources (name, id);
CREATE INDEX resources_billing_code ON resources (billing_code, id) WHERE billing_code <> '';
CREATE INDEX resources_pool ON resources (kind, engine, plan, state, id)
    WHERE pooled = 1 AND state IN ('requested', 'provisioning', 'ready');
CREATE INDEX labels_resource ON labels (resource);
CREATE INDEX operations_open ON operations (id) WHERE open = 1;
CREATE INDEX operations_ended ON operations (state, id) WHERE open = 0;
CREATE INDEX operations_resource ON operations (resource, id);
CREATE INDEX operations_organization ON operations (organization, id);
CREATE INDEX events_resource ON events (resource, sequence) WHERE resource IS NOT NULL;
CREATE INDEX idempotency_expires ON idempotency (expires_at, scope, key);
CREATE UNIQUE INDEX allocations_live ON allocations (resource, range, key) WHERE resource IS NOT NULL;
COMMIT;
