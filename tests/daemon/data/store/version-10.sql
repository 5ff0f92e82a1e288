PRAGMA application_id = 1416982117;
PRAGMA user_version = 10;
BEGIN TRANSACTION;
CREATE TABLE access_log (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  time INTEGER NOT NULL,
  kind TEXT NOT NULL,
  actor TEXT NOT NULL,
  credential TEXT NOT NULL,
  peer TEXT NOT NULL,
  method TEXT NOT NULL,
  reason TEXT NOT NULL,
  body TEXT NOT NULL
) STRICT;
CREATE TABLE alert_conditions (
  run TEXT NOT NULL REFERENCES runs (id),
  rule TEXT NOT NULL,
  figures TEXT NOT NULL,
  holds INTEGER NOT NULL,
  PRIMARY KEY (run, rule)
) STRICT, WITHOUT ROWID;
CREATE TABLE alert_triggers (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  FOREIGN KEY (run, sequence) REFERENCES events (run, sequence)
) STRICT;
INSERT INTO "alert_triggers" VALUES(9,'20261122-103929-5988',10);
CREATE TABLE alerts (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  sink TEXT NOT NULL,
  project TEXT NOT NULL,
  spec_name TEXT NOT NULL,
  run TEXT NOT NULL,
  step TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  kind TEXT NOT NULL,
  severity TEXT NOT NULL,
  rule TEXT NOT NULL,
  message TEXT NOT NULL,
  reason TEXT NOT NULL,
  help TEXT NOT NULL,
  fold TEXT NOT NULL,
  tally TEXT NOT NULL,
  body TEXT,
  state TEXT NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0,
  problem TEXT NOT NULL DEFAULT '',
  not_before INTEGER NOT NULL,
  create_time INTEGER NOT NULL,
  last_time INTEGER NOT NULL,
  end_time INTEGER
) STRICT;
CREATE TABLE artifacts (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL,
  step_digest TEXT NOT NULL,
  role TEXT NOT NULL,
  kind TEXT NOT NULL,
  run TEXT NOT NULL,
  step TEXT NOT NULL,
  spec_name TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  file_count INTEGER NOT NULL,
  create_time INTEGER NOT NULL, project TEXT NOT NULL DEFAULT 'default',
  UNIQUE (run, step),
  FOREIGN KEY (run, step) REFERENCES steps (run, name)
) STRICT;
INSERT INTO "artifacts" VALUES(1,'sha256:168385a4f0834fbfab8c5dd58267c9c461af351ba2c556339d5a3f7fa6fd01cf','sha256:11b5636f99036ea1c4a91c97b27aa202897bf69ad6439ada629b66dd22a981e6','model','fake','20261122-103924-f569','sft','good',1,1,1795343964904,'default');
INSERT INTO "artifacts" VALUES(2,'sha256:ebace88fc75879df75d74d53f9526ec105fa8e42bfea51470d95d11f9b56a0a8','sha256:af48f6de1deb4b9a58bd7e7537fdc6398afafdc03f3dce6dda3de40adb832a76','evaluation','fake','20261122-103924-f569','exam','good',17,1,1795343965974,'default');
CREATE TABLE attempts (
  run TEXT NOT NULL,
  step TEXT NOT NULL,
  number INTEGER NOT NULL,
  events_offset INTEGER NOT NULL DEFAULT 0,
  events_sequence INTEGER NOT NULL DEFAULT 0,
  role TEXT,
  address TEXT,
  outcome TEXT,
  start_time INTEGER NOT NULL,
  end_time INTEGER, launches INTEGER NOT NULL DEFAULT 1,
  PRIMARY KEY (run, step, number),
  FOREIGN KEY (run, step) REFERENCES steps (run, name)
) STRICT;
INSERT INTO "attempts" VALUES('20261122-103924-f569','sft',1,293,3,'model',NULL,'SUCCEEDED',1795343964029,1795343964904,1);
INSERT INTO "attempts" VALUES('20261122-103924-f569','exam',1,298,3,'evaluation',NULL,'SUCCEEDED',1795343964912,1795343965974,1);
INSERT INTO "attempts" VALUES('20261122-103926-d66a','sft',1,100,1,NULL,NULL,'FAILED',1795343966030,1795343967328,1);
INSERT INTO "attempts" VALUES('20261122-103927-6aaa','sft',1,100,1,NULL,NULL,'FAILED',1795343967356,1795343967733,1);
INSERT INTO "attempts" VALUES('20261122-103927-a074','sft',1,0,0,NULL,NULL,'CANCELLED',1795343967749,1795343967990,1);
INSERT INTO "attempts" VALUES('20261122-103928-e55a','chat',1,197,2,NULL,'http://127.0.0.1:1',NULL,1795343968022,NULL,1);
INSERT INTO "attempts" VALUES('20261122-103929-5988','sft',1,475,3,NULL,NULL,'PAUSE_WANTED',1795343969011,1795343969356,1);
CREATE TABLE blocked (
  subject TEXT PRIMARY KEY,
  reason TEXT NOT NULL,
  create_time INTEGER NOT NULL,
  created_by TEXT NOT NULL
) STRICT;
CREATE TABLE collected (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  project TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  reason TEXT NOT NULL,
  time INTEGER NOT NULL,
  actor TEXT NOT NULL
) STRICT;
CREATE TABLE deployments (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  revision INTEGER NOT NULL,
  spec_name TEXT NOT NULL,
  run TEXT NOT NULL,
  step TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  step_digest TEXT NOT NULL,
  state TEXT NOT NULL,
  stop_mode TEXT,
  address TEXT NOT NULL,
  failure TEXT,
  create_time INTEGER NOT NULL,
  end_time INTEGER, project TEXT NOT NULL DEFAULT 'default', restarts INTEGER NOT NULL DEFAULT 0, not_before INTEGER, ready_time INTEGER,
  UNIQUE (name, revision),
  FOREIGN KEY (run, step, attempt) REFERENCES attempts (run, step, number)
) STRICT;
INSERT INTO "deployments" VALUES(1,'served-chat',1,'served','20261122-103928-e55a','chat',1,'sha256:5b080cc5402e11414b6f62f98e632982963877c95691895b2ad6200763ca76a7','stopped','now','http://127.0.0.1:1',NULL,1795343968454,1795343968989,'default',0,NULL,1795343968454);
CREATE TABLE devices (
  uuid TEXT PRIMARY KEY,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  memory_bytes INTEGER NOT NULL,
  parent TEXT,
  state TEXT NOT NULL CHECK (state IN ('free', 'settling', 'foreign', 'quarantined', 'missing')),
  reason TEXT NOT NULL,
  change_time INTEGER NOT NULL,
  idle_bytes INTEGER,
  known_errors INTEGER NOT NULL
) STRICT;
CREATE TABLE events (
  run TEXT NOT NULL REFERENCES runs (id),
  sequence INTEGER NOT NULL,
  time INTEGER NOT NULL,
  step TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  kind TEXT NOT NULL,
  body TEXT NOT NULL, actor TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (run, sequence)
) STRICT, WITHOUT ROWID;
INSERT INTO "events" VALUES('20261122-103924-f569',1,1795343964002,'',0,'run_created','{"name":"good","plan_digest":"sha256:efe350e7f4a8836b5997078ccad7a1341bb6bf948e66fd7b13dcb97bbcccb46f","steps":[{"action":"create","step":"sft"},{"action":"create","step":"exam"},{"action":"create","step":"gate"}]}','root');
INSERT INTO "events" VALUES('20261122-103924-f569',2,1795343964029,'',0,'run_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-103924-f569',3,1795343964029,'sft',1,'step_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-103924-f569',4,1795343964459,'sft',1,'step_running','{}','daemon');
INSERT INTO "events" VALUES('20261122-103924-f569',5,1795343964730,'sft',1,'started','{"runner":"fake","version":"1"}','daemon');
INSERT INTO "events" VALUES('20261122-103924-f569',6,1795343964731,'sft',1,'artifact','{"path":".","role":"model"}','daemon');
INSERT INTO "events" VALUES('20261122-103924-f569',7,1795343964731,'sft',1,'phase','{"name":"done","seconds":0}','daemon');
INSERT INTO "events" VALUES('20261122-103924-f569',8,1795343964905,'sft',1,'step_succeeded','{"artifact":"sha256:168385a4f0834fbfab8c5dd58267c9c461af351ba2c556339d5a3f7fa6fd01cf","bytes":1,"files":1,"peak_memory_bytes":19714048,"seconds":0.383}','daemon');
INSERT INTO "events" VALUES('20261122-103924-f569',9,1795343964912,'exam',1,'step_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-103924-f569',10,1795343965246,'exam',1,'step_running','{}','daemon');
INSERT INTO "events" VALUES('20261122-103924-f569',11,1795343965777,'exam',1,'started','{"runner":"fake","version":"1"}','daemon');
INSERT INTO "events" VALUES('20261122-103924-f569',12,1795343965777,'exam',1,'artifact','{"path":".","role":"evaluation"}','daemon');
INSERT INTO "events" VALUES('20261122-103924-f569',13,1795343965777,'exam',1,'phase','{"name":"done","seconds":0}','daemon');
INSERT INTO "events" VALUES('20261122-103924-f569',14,1795343965975,'exam',1,'step_succeeded','{"artifact":"sha256:ebace88fc75879df75d74d53f9526ec105fa8e42bfea51470d95d11f9b56a0a8","bytes":17,"files":1,"peak_memory_bytes":19382272,"seconds":0.661}','daemon');
INSERT INTO "events" VALUES('20261122-103924-f569',15,1795343965980,'gate',0,'gate_evaluated','{"passed":true,"requirements":[{"evaluated":"exam.s.m 0.500 >= 0.1","passed":true,"written":"exam.s.m >= 0.1"}]}','daemon');
INSERT INTO "events" VALUES('20261122-103924-f569',16,1795343965980,'gate',0,'step_succeeded','{}','daemon');
INSERT INTO "events" VALUES('20261122-103924-f569',17,1795343965980,'',0,'run_succeeded','{}','daemon');
INSERT INTO "events" VALUES('20261122-103925-ab98',1,1795343965993,'',0,'run_created','{"name":"good","plan_digest":"sha256:efe350e7f4a8836b5997078ccad7a1341bb6bf948e66fd7b13dcb97bbcccb46f","steps":[{"action":"reuse","step":"sft"},{"action":"reuse","step":"exam"},{"action":"reuse","step":"gate"}]}','root');
INSERT INTO "events" VALUES('20261122-103925-ab98',2,1795343965996,'',0,'run_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-103925-ab98',3,1795343965996,'sft',0,'step_reused','{"artifact":"sha256:168385a4f0834fbfab8c5dd58267c9c461af351ba2c556339d5a3f7fa6fd01cf","source_run":"20261122-103924-f569"}','daemon');
INSERT INTO "events" VALUES('20261122-103925-ab98',4,1795343965999,'exam',0,'step_reused','{"artifact":"sha256:ebace88fc75879df75d74d53f9526ec105fa8e42bfea51470d95d11f9b56a0a8","source_run":"20261122-103924-f569"}','daemon');
INSERT INTO "events" VALUES('20261122-103925-ab98',5,1795343966004,'gate',0,'step_reused','{"source_run":"20261122-103924-f569"}','daemon');
INSERT INTO "events" VALUES('20261122-103925-ab98',6,1795343966004,'',0,'run_succeeded','{}','daemon');
INSERT INTO "events" VALUES('20261122-103926-d66a',1,1795343966024,'',0,'run_created','{"name":"bad","plan_digest":"sha256:4ad70cd332496ef1b4651ac338282706c8ca3d893dd12eef623c6ba2c74686fb","steps":[{"action":"create","step":"sft"}]}','root');
INSERT INTO "events" VALUES('20261122-103926-d66a',2,1795343966030,'',0,'run_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-103926-d66a',3,1795343966030,'sft',1,'step_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-103926-d66a',4,1795343966364,'sft',1,'step_running','{}','daemon');
INSERT INTO "events" VALUES('20261122-103926-d66a',5,1795343967014,'sft',1,'started','{"runner":"fake","version":"1"}','daemon');
INSERT INTO "events" VALUES('20261122-103926-d66a',6,1795343967332,'sft',1,'step_failed','{"help":"","message":"the work failed","reason":"FAILED"}','daemon');
INSERT INTO "events" VALUES('20261122-103926-d66a',7,1795343967332,'',0,'run_failed','{"help":"","message":"the work failed","reason":"FAILED","step":"sft"}','daemon');
INSERT INTO "events" VALUES('20261122-103927-6aaa',1,1795343967345,'',0,'run_created','{"name":"bad","plan_digest":"sha256:4ad70cd332496ef1b4651ac338282706c8ca3d893dd12eef623c6ba2c74686fb","retry_of":"20261122-103926-d66a","steps":[{"action":"rerun","because":"its result is not at hand (the step did not finish, or was cleaned up)","step":"sft"}]}','root');
INSERT INTO "events" VALUES('20261122-103927-6aaa',2,1795343967356,'',0,'run_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-103927-6aaa',3,1795343967356,'sft',1,'step_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-103927-6aaa',4,1795343967508,'sft',1,'step_running','{}','daemon');
INSERT INTO "events" VALUES('20261122-103927-6aaa',5,1795343967637,'sft',1,'started','{"runner":"fake","version":"1"}','daemon');
INSERT INTO "events" VALUES('20261122-103927-6aaa',6,1795343967734,'sft',1,'step_failed','{"help":"","message":"the work failed","reason":"FAILED"}','daemon');
INSERT INTO "events" VALUES('20261122-103927-6aaa',7,1795343967734,'',0,'run_failed','{"help":"","message":"the work failed","reason":"FAILED","step":"sft"}','daemon');
INSERT INTO "events" VALUES('20261122-103927-a074',1,1795343967745,'',0,'run_created','{"name":"stopped","plan_digest":"sha256:91242452f89c99421f1aa58a396ea14b94e00570bf04e6dbf2f0d16b8e4c3666","steps":[{"action":"create","step":"sft"}]}','root');
INSERT INTO "events" VALUES('20261122-103927-a074',2,1795343967749,'',0,'run_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-103927-a074',3,1795343967749,'sft',1,'step_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-103927-a074',4,1795343967756,'',0,'run_cancelling','{"mode":"now","reason":"enough"}','root');
INSERT INTO "events" VALUES('20261122-103927-a074',5,1795343967756,'sft',1,'step_cancelling','{"mode":"now"}','root');
INSERT INTO "events" VALUES('20261122-103927-a074',6,1795343967991,'sft',1,'step_cancelled','{}','daemon');
INSERT INTO "events" VALUES('20261122-103927-a074',7,1795343967991,'',0,'run_cancelled','{}','daemon');
INSERT INTO "events" VALUES('20261122-103928-e55a',1,1795343968004,'',0,'run_created','{"name":"served","plan_digest":"sha256:2626e3abf57708a16ac7446d72c399ffdce610196babe762fc6f3efc5c0a54e9","steps":[{"action":"create","step":"chat"}]}','root');
INSERT INTO "events" VALUES('20261122-103928-e55a',2,1795343968022,'',0,'run_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-103928-e55a',3,1795343968022,'chat',1,'step_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-103928-e55a',4,1795343968244,'chat',1,'step_running','{}','daemon');
INSERT INTO "events" VALUES('20261122-103928-e55a',5,1795343968394,'chat',1,'started','{"runner":"fake","version":"1"}','daemon');
INSERT INTO "events" VALUES('20261122-103928-e55a',6,1795343968394,'chat',1,'ready','{"address":"http://127.0.0.1:1"}','daemon');
INSERT INTO "events" VALUES('20261122-103928-e55a',7,1795343968454,'chat',1,'step_succeeded','{"address":"http://127.0.0.1:1"}','daemon');
INSERT INTO "events" VALUES('20261122-103928-e55a',8,1795343968454,'',0,'run_succeeded','{}','daemon');
INSERT INTO "events" VALUES('20261122-103928-e55a',9,1795343968471,'chat',1,'deployment_stopping','{"deployment":"served-chat","mode":"now","revision":1}','root');
INSERT INTO "events" VALUES('20261122-103928-e55a',10,1795343968989,'chat',1,'deployment_stopped','{"deployment":"served-chat","revision":1}','daemon');
INSERT INTO "events" VALUES('20261122-103929-5988',1,1795343969008,'',0,'run_created','{"name":"rests","plan_digest":"sha256:8c0b6ba509ed40c40e0f55b6ff67ad7c2e0388a0a4f20e05725bd9c5521cee05","steps":[{"action":"create","step":"sft"}]}','root');
INSERT INTO "events" VALUES('20261122-103929-5988',2,1795343969011,'',0,'run_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-103929-5988',3,1795343969011,'sft',1,'step_started','{}','daemon');
INSERT INTO "events" VALUES('20261122-103929-5988',4,1795343969021,'',0,'run_pausing','{"by":"ops","reason":"maintenance"}','root');
INSERT INTO "events" VALUES('20261122-103929-5988',5,1795343969149,'sft',1,'step_running','{}','daemon');
INSERT INTO "events" VALUES('20261122-103929-5988',6,1795343969274,'sft',1,'started','{"runner":"fake","version":"1"}','daemon');
INSERT INTO "events" VALUES('20261122-103929-5988',7,1795343969274,'sft',1,'checkpoint','{"digest":"sha256:7777777777777777777777777777777777777777777777777777777777777777","path":"work/checkpoints/checkpoint-7","step":7}','daemon');
INSERT INTO "events" VALUES('20261122-103929-5988',8,1795343969274,'sft',1,'paused','{"checkpoint":"checkpoint-7","help":"","message":"somebody asked for it","reason":"PAUSE_WANTED"}','daemon');
INSERT INTO "events" VALUES('20261122-103929-5988',9,1795343969357,'sft',1,'step_paused','{"help":"","message":"somebody asked for it","reason":"PAUSE_WANTED"}','daemon');
INSERT INTO "events" VALUES('20261122-103929-5988',10,1795343969357,'',0,'run_paused','{"help":"go on with `tunewright resume`","message":"ops asked for it: maintenance","reason":"PAUSE_WANTED","step":""}','daemon');
CREATE TABLE holds (
  id INTEGER PRIMARY KEY,
  subject TEXT NOT NULL,
  project TEXT NOT NULL,
  reason TEXT NOT NULL,
  create_time INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  release_time INTEGER,
  released_by TEXT NOT NULL DEFAULT '',
  release_reason TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE leases (
  device TEXT NOT NULL,
  run TEXT NOT NULL,
  step TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  project TEXT NOT NULL,
  start_time INTEGER NOT NULL,
  FOREIGN KEY (run, step, attempt) REFERENCES attempts (run, step, number)
) STRICT;
CREATE TABLE machine_log (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  time INTEGER NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT NOT NULL,
  body TEXT NOT NULL
) STRICT;
CREATE TABLE maintenance (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  reason TEXT NOT NULL,
  checkpoint INTEGER NOT NULL,
  deadline INTEGER,
  begin_time INTEGER NOT NULL,
  begun_by TEXT NOT NULL
) STRICT;
CREATE TABLE port_leases (
  port INTEGER PRIMARY KEY,
  run TEXT NOT NULL,
  step TEXT NOT NULL,
  FOREIGN KEY (run, step) REFERENCES steps (run, name)
) STRICT;
CREATE TABLE requests (
  project TEXT NOT NULL,
  id TEXT NOT NULL,
  digest TEXT NOT NULL,
  subject TEXT NOT NULL,
  create_time INTEGER NOT NULL,
  PRIMARY KEY (project, id)
) STRICT, WITHOUT ROWID;
INSERT INTO "requests" VALUES('default','2e0ad5ac55a54d868413e103179646ac','sha256:679a61d98ea3323398206b2308e222ea00b0e150cf39535e6dcc9e9aaa0cb785','runs/20261122-103929-5988',1795343969022);
INSERT INTO "requests" VALUES('default','d89b618f5c034805b0352db0c09ede4b','sha256:90e455723aa6ddb59d970f12b51f1d949f55efa32247cac2f98ed239c388d469','runs/20261122-103927-a074',1795343967757);
INSERT INTO "requests" VALUES('default','fadb37b13a434e59948ecf4cb32f6526','sha256:1c207e04661c9b1bd5cecfc2975323815095807e29b6d1122e4c0c12fb567f5c','deployments/served-chat',1795343968471);
CREATE TABLE runs (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  spec_name TEXT NOT NULL,
  spec_path TEXT NOT NULL,
  base_directory TEXT NOT NULL,
  spec_text TEXT NOT NULL,
  profile TEXT NOT NULL,
  sets TEXT NOT NULL,
  plan TEXT NOT NULL,
  plan_digest TEXT NOT NULL,
  request_id TEXT UNIQUE,
  request_digest TEXT NOT NULL,
  retry_of TEXT REFERENCES runs (id),
  state TEXT NOT NULL,
  version INTEGER NOT NULL DEFAULT 1,
  cancel_mode TEXT,
  cancel_reason TEXT NOT NULL DEFAULT '',
  failure TEXT,
  last_sequence INTEGER NOT NULL DEFAULT 0,
  create_time INTEGER NOT NULL,
  start_time INTEGER,
  end_time INTEGER
, project TEXT NOT NULL DEFAULT 'default', actor TEXT NOT NULL DEFAULT '', policy_digest TEXT NOT NULL DEFAULT '', request TEXT, watched INTEGER NOT NULL DEFAULT 0, priority INTEGER NOT NULL DEFAULT 0, preemptible INTEGER NOT NULL DEFAULT 1) STRICT;
INSERT INTO "runs" VALUES(1,'20261122-103924-f569','good','life.yaml','/','{"plan_version": 1, "compiler_version": "test", "name": "good", "profile": null, "sets": [], "spec_digest": "sha256:d3acc91467a03907038203981d201a771f028912376c8a64c777f29468a55760", "facts_digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "machine": "test", "lock": {}, "steps": [{"name": "sft", "verb": "train", "kind": "fake", "summary": "plays 2 acts", "needs": [], "inputs": {}, "parameters": {"script": [{"write": {"path": "outputs/m", "text": "x"}}, {"emit": {"kind": "artifact", "role": "model", "path": "."}}]}, "launch": {"environment": "control", "command": {"argv": ["{python}", "-P", "-m", "tunewright.runners.fake", "run", "{bundle}"], "env": {}}, "prepare": [], "files": {}, "processes_per_node": 1, "nodes": 1}, "gate": null, "service": false, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 5.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:11b5636f99036ea1c4a91c97b27aa202897bf69ad6439ada629b66dd22a981e6", "provenance": {}}, {"name": "exam", "verb": "train", "kind": "fake", "summary": "plays 2 acts", "needs": ["sft"], "inputs": {"from_sft": {"role": "model", "step": "sft", "path": null, "digest": null}}, "parameters": {"script": [{"write": {"path": "outputs/metrics.json", "text": "{\"s\": {\"m\": 0.5}}"}}, {"emit": {"kind": "artifact", "role": "evaluation", "path": "."}}]}, "launch": {"environment": "control", "command": {"argv": ["{python}", "-P", "-m", "tunewright.runners.fake", "run", "{bundle}"], "env": {}}, "prepare": [], "files": {}, "processes_per_node": 1, "nodes": 1}, "gate": null, "service": false, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 5.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:af48f6de1deb4b9a58bd7e7537fdc6398afafdc03f3dce6dda3de40adb832a76", "provenance": {}}, {"name": "gate", "verb": "gate", "kind": "gate", "summary": "exam.s.m >= 0.1", "needs": ["exam"], "inputs": {}, "parameters": {}, "launch": null, "gate": {"require": ["exam.s.m >= 0.1"], "on_fail": "stop"}, "service": false, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 10.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:e2f97af9b77f27db1a036aa566642223839a8824c83ccf0743a03c83059333f7", "provenance": {}}], "digest": "sha256:efe350e7f4a8836b5997078ccad7a1341bb6bf948e66fd7b13dcb97bbcccb46f"}','','[]','{"compiler_version":"test","digest":"sha256:efe350e7f4a8836b5997078ccad7a1341bb6bf948e66fd7b13dcb97bbcccb46f","facts_digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","lock":{},"machine":"test","name":"good","plan_version":1,"profile":null,"sets":[],"spec_digest":"sha256:d3acc91467a03907038203981d201a771f028912376c8a64c777f29468a55760","steps":[{"digest":"sha256:11b5636f99036ea1c4a91c97b27aa202897bf69ad6439ada629b66dd22a981e6","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":null,"identity":{},"inputs":{},"kind":"fake","launch":{"command":{"argv":["{python}","-P","-m","tunewright.runners.fake","run","{bundle}"],"env":{}},"environment":"control","files":{},"nodes":1,"prepare":[],"processes_per_node":1},"limits":{"grace_seconds":5,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"sft","needs":[],"not_executable":null,"parameters":{"script":[{"write":{"path":"outputs/m","text":"x"}},{"emit":{"kind":"artifact","path":".","role":"model"}}]},"provenance":{},"service":false,"summary":"plays 2 acts","verb":"train"},{"digest":"sha256:af48f6de1deb4b9a58bd7e7537fdc6398afafdc03f3dce6dda3de40adb832a76","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":null,"identity":{},"inputs":{"from_sft":{"digest":null,"path":null,"role":"model","step":"sft"}},"kind":"fake","launch":{"command":{"argv":["{python}","-P","-m","tunewright.runners.fake","run","{bundle}"],"env":{}},"environment":"control","files":{},"nodes":1,"prepare":[],"processes_per_node":1},"limits":{"grace_seconds":5,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"exam","needs":["sft"],"not_executable":null,"parameters":{"script":[{"write":{"path":"outputs/metrics.json","text":"{\"s\": {\"m\": 0.5}}"}},{"emit":{"kind":"artifact","path":".","role":"evaluation"}}]},"provenance":{},"service":false,"summary":"plays 2 acts","verb":"train"},{"digest":"sha256:e2f97af9b77f27db1a036aa566642223839a8824c83ccf0743a03c83059333f7","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":{"on_fail":"stop","require":["exam.s.m >= 0.1"]},"identity":{},"inputs":{},"kind":"gate","launch":null,"limits":{"grace_seconds":10,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"gate","needs":["exam"],"not_executable":null,"parameters":{},"provenance":{},"service":false,"summary":"exam.s.m >= 0.1","verb":"gate"}]}','sha256:efe350e7f4a8836b5997078ccad7a1341bb6bf948e66fd7b13dcb97bbcccb46f',NULL,'sha256:172d1873bcebab876323684621c7a10fcd5f4a4de863210bbc2aece5cb579310',NULL,'succeeded',8,NULL,'',NULL,17,1795343964002,1795343964029,1795343965980,'default','root','','first',0,0,1);
INSERT INTO "runs" VALUES(2,'20261122-103925-ab98','good','life.yaml','/','{"plan_version": 1, "compiler_version": "test", "name": "good", "profile": null, "sets": [], "spec_digest": "sha256:d3acc91467a03907038203981d201a771f028912376c8a64c777f29468a55760", "facts_digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "machine": "test", "lock": {}, "steps": [{"name": "sft", "verb": "train", "kind": "fake", "summary": "plays 2 acts", "needs": [], "inputs": {}, "parameters": {"script": [{"write": {"path": "outputs/m", "text": "x"}}, {"emit": {"kind": "artifact", "role": "model", "path": "."}}]}, "launch": {"environment": "control", "command": {"argv": ["{python}", "-P", "-m", "tunewright.runners.fake", "run", "{bundle}"], "env": {}}, "prepare": [], "files": {}, "processes_per_node": 1, "nodes": 1}, "gate": null, "service": false, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 5.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:11b5636f99036ea1c4a91c97b27aa202897bf69ad6439ada629b66dd22a981e6", "provenance": {}}, {"name": "exam", "verb": "train", "kind": "fake", "summary": "plays 2 acts", "needs": ["sft"], "inputs": {"from_sft": {"role": "model", "step": "sft", "path": null, "digest": null}}, "parameters": {"script": [{"write": {"path": "outputs/metrics.json", "text": "{\"s\": {\"m\": 0.5}}"}}, {"emit": {"kind": "artifact", "role": "evaluation", "path": "."}}]}, "launch": {"environment": "control", "command": {"argv": ["{python}", "-P", "-m", "tunewright.runners.fake", "run", "{bundle}"], "env": {}}, "prepare": [], "files": {}, "processes_per_node": 1, "nodes": 1}, "gate": null, "service": false, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 5.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:af48f6de1deb4b9a58bd7e7537fdc6398afafdc03f3dce6dda3de40adb832a76", "provenance": {}}, {"name": "gate", "verb": "gate", "kind": "gate", "summary": "exam.s.m >= 0.1", "needs": ["exam"], "inputs": {}, "parameters": {}, "launch": null, "gate": {"require": ["exam.s.m >= 0.1"], "on_fail": "stop"}, "service": false, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 10.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:e2f97af9b77f27db1a036aa566642223839a8824c83ccf0743a03c83059333f7", "provenance": {}}], "digest": "sha256:efe350e7f4a8836b5997078ccad7a1341bb6bf948e66fd7b13dcb97bbcccb46f"}','','[]','{"compiler_version":"test","digest":"sha256:efe350e7f4a8836b5997078ccad7a1341bb6bf948e66fd7b13dcb97bbcccb46f","facts_digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","lock":{},"machine":"test","name":"good","plan_version":1,"profile":null,"sets":[],"spec_digest":"sha256:d3acc91467a03907038203981d201a771f028912376c8a64c777f29468a55760","steps":[{"digest":"sha256:11b5636f99036ea1c4a91c97b27aa202897bf69ad6439ada629b66dd22a981e6","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":null,"identity":{},"inputs":{},"kind":"fake","launch":{"command":{"argv":["{python}","-P","-m","tunewright.runners.fake","run","{bundle}"],"env":{}},"environment":"control","files":{},"nodes":1,"prepare":[],"processes_per_node":1},"limits":{"grace_seconds":5,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"sft","needs":[],"not_executable":null,"parameters":{"script":[{"write":{"path":"outputs/m","text":"x"}},{"emit":{"kind":"artifact","path":".","role":"model"}}]},"provenance":{},"service":false,"summary":"plays 2 acts","verb":"train"},{"digest":"sha256:af48f6de1deb4b9a58bd7e7537fdc6398afafdc03f3dce6dda3de40adb832a76","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":null,"identity":{},"inputs":{"from_sft":{"digest":null,"path":null,"role":"model","step":"sft"}},"kind":"fake","launch":{"command":{"argv":["{python}","-P","-m","tunewright.runners.fake","run","{bundle}"],"env":{}},"environment":"control","files":{},"nodes":1,"prepare":[],"processes_per_node":1},"limits":{"grace_seconds":5,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"exam","needs":["sft"],"not_executable":null,"parameters":{"script":[{"write":{"path":"outputs/metrics.json","text":"{\"s\": {\"m\": 0.5}}"}},{"emit":{"kind":"artifact","path":".","role":"evaluation"}}]},"provenance":{},"service":false,"summary":"plays 2 acts","verb":"train"},{"digest":"sha256:e2f97af9b77f27db1a036aa566642223839a8824c83ccf0743a03c83059333f7","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":{"on_fail":"stop","require":["exam.s.m >= 0.1"]},"identity":{},"inputs":{},"kind":"gate","launch":null,"limits":{"grace_seconds":10,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"gate","needs":["exam"],"not_executable":null,"parameters":{},"provenance":{},"service":false,"summary":"exam.s.m >= 0.1","verb":"gate"}]}','sha256:efe350e7f4a8836b5997078ccad7a1341bb6bf948e66fd7b13dcb97bbcccb46f',NULL,'sha256:172d1873bcebab876323684621c7a10fcd5f4a4de863210bbc2aece5cb579310',NULL,'succeeded',4,NULL,'',NULL,6,1795343965993,1795343965996,1795343966004,'default','root','','389a54eaea4b412d92756882a41bd3c4',0,0,1);
INSERT INTO "runs" VALUES(3,'20261122-103926-d66a','bad','life.yaml','/','{"plan_version": 1, "compiler_version": "test", "name": "bad", "profile": null, "sets": [], "spec_digest": "sha256:cbfeda2b1f044ccca4ea9dac0fe08a34af201914e29adf982262f1d735d08996", "facts_digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "machine": "test", "lock": {}, "steps": [{"name": "sft", "verb": "train", "kind": "fake", "summary": "plays 1 acts", "needs": [], "inputs": {}, "parameters": {"script": [{"exit": 1}]}, "launch": {"environment": "control", "command": {"argv": ["{python}", "-P", "-m", "tunewright.runners.fake", "run", "{bundle}"], "env": {}}, "prepare": [], "files": {}, "processes_per_node": 1, "nodes": 1}, "gate": null, "service": false, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 5.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:3c119d8a589538d7dc36ec3b33680176f2c3e6fb88bdf3abbb5b0925389a8faf", "provenance": {}}], "digest": "sha256:4ad70cd332496ef1b4651ac338282706c8ca3d893dd12eef623c6ba2c74686fb"}','','[]','{"compiler_version":"test","digest":"sha256:4ad70cd332496ef1b4651ac338282706c8ca3d893dd12eef623c6ba2c74686fb","facts_digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","lock":{},"machine":"test","name":"bad","plan_version":1,"profile":null,"sets":[],"spec_digest":"sha256:cbfeda2b1f044ccca4ea9dac0fe08a34af201914e29adf982262f1d735d08996","steps":[{"digest":"sha256:3c119d8a589538d7dc36ec3b33680176f2c3e6fb88bdf3abbb5b0925389a8faf","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":null,"identity":{},"inputs":{},"kind":"fake","launch":{"command":{"argv":["{python}","-P","-m","tunewright.runners.fake","run","{bundle}"],"env":{}},"environment":"control","files":{},"nodes":1,"prepare":[],"processes_per_node":1},"limits":{"grace_seconds":5,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"sft","needs":[],"not_executable":null,"parameters":{"script":[{"exit":1}]},"provenance":{},"service":false,"summary":"plays 1 acts","verb":"train"}]}','sha256:4ad70cd332496ef1b4651ac338282706c8ca3d893dd12eef623c6ba2c74686fb',NULL,'sha256:8ae29e42385bc1fc6f5b5b9196769064d942f8854410af54b5677ae5de1b69ca',NULL,'failed',4,NULL,'','{"reason": "FAILED", "message": "the work failed", "help": "", "step": "sft"}',7,1795343966024,1795343966030,1795343967332,'default','root','','01a886dafc08409da70230ba9eded3b6',0,0,1);
INSERT INTO "runs" VALUES(4,'20261122-103927-6aaa','bad','life.yaml','/','{"plan_version": 1, "compiler_version": "test", "name": "bad", "profile": null, "sets": [], "spec_digest": "sha256:cbfeda2b1f044ccca4ea9dac0fe08a34af201914e29adf982262f1d735d08996", "facts_digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "machine": "test", "lock": {}, "steps": [{"name": "sft", "verb": "train", "kind": "fake", "summary": "plays 1 acts", "needs": [], "inputs": {}, "parameters": {"script": [{"exit": 1}]}, "launch": {"environment": "control", "command": {"argv": ["{python}", "-P", "-m", "tunewright.runners.fake", "run", "{bundle}"], "env": {}}, "prepare": [], "files": {}, "processes_per_node": 1, "nodes": 1}, "gate": null, "service": false, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 5.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:3c119d8a589538d7dc36ec3b33680176f2c3e6fb88bdf3abbb5b0925389a8faf", "provenance": {}}], "digest": "sha256:4ad70cd332496ef1b4651ac338282706c8ca3d893dd12eef623c6ba2c74686fb"}','','[]','{"compiler_version":"test","digest":"sha256:4ad70cd332496ef1b4651ac338282706c8ca3d893dd12eef623c6ba2c74686fb","facts_digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","lock":{},"machine":"test","name":"bad","plan_version":1,"profile":null,"sets":[],"spec_digest":"sha256:cbfeda2b1f044ccca4ea9dac0fe08a34af201914e29adf982262f1d735d08996","steps":[{"digest":"sha256:3c119d8a589538d7dc36ec3b33680176f2c3e6fb88bdf3abbb5b0925389a8faf","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":null,"identity":{},"inputs":{},"kind":"fake","launch":{"command":{"argv":["{python}","-P","-m","tunewright.runners.fake","run","{bundle}"],"env":{}},"environment":"control","files":{},"nodes":1,"prepare":[],"processes_per_node":1},"limits":{"grace_seconds":5,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"sft","needs":[],"not_executable":null,"parameters":{"script":[{"exit":1}]},"provenance":{},"service":false,"summary":"plays 1 acts","verb":"train"}]}','sha256:4ad70cd332496ef1b4651ac338282706c8ca3d893dd12eef623c6ba2c74686fb',NULL,'sha256:1410a7f39b3cfb92b95928c228d0fc21ead51ef1fd1f51a4e3c74400a2449e17','20261122-103926-d66a','failed',4,NULL,'','{"reason": "FAILED", "message": "the work failed", "help": "", "step": "sft"}',7,1795343967345,1795343967356,1795343967734,'default','root','','second',0,0,1);
INSERT INTO "runs" VALUES(5,'20261122-103927-a074','stopped','life.yaml','/','{"plan_version": 1, "compiler_version": "test", "name": "stopped", "profile": null, "sets": [], "spec_digest": "sha256:15b0fb141b7672221ecefd53ca5a29ea042e3bc3bad9e08c11df0cebce279c2e", "facts_digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "machine": "test", "lock": {}, "steps": [{"name": "sft", "verb": "train", "kind": "fake", "summary": "plays 1 acts", "needs": [], "inputs": {}, "parameters": {"script": [{"sleep": 300}]}, "launch": {"environment": "control", "command": {"argv": ["{python}", "-P", "-m", "tunewright.runners.fake", "run", "{bundle}"], "env": {}}, "prepare": [], "files": {}, "processes_per_node": 1, "nodes": 1}, "gate": null, "service": false, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 5.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:7d2a4d9cd59a9c0f24579405a76bf2880fe342872a5fb4f67f0a2bd8f8e24de1", "provenance": {}}], "digest": "sha256:91242452f89c99421f1aa58a396ea14b94e00570bf04e6dbf2f0d16b8e4c3666"}','','[]','{"compiler_version":"test","digest":"sha256:91242452f89c99421f1aa58a396ea14b94e00570bf04e6dbf2f0d16b8e4c3666","facts_digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","lock":{},"machine":"test","name":"stopped","plan_version":1,"profile":null,"sets":[],"spec_digest":"sha256:15b0fb141b7672221ecefd53ca5a29ea042e3bc3bad9e08c11df0cebce279c2e","steps":[{"digest":"sha256:7d2a4d9cd59a9c0f24579405a76bf2880fe342872a5fb4f67f0a2bd8f8e24de1","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":null,"identity":{},"inputs":{},"kind":"fake","launch":{"command":{"argv":["{python}","-P","-m","tunewright.runners.fake","run","{bundle}"],"env":{}},"environment":"control","files":{},"nodes":1,"prepare":[],"processes_per_node":1},"limits":{"grace_seconds":5,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"sft","needs":[],"not_executable":null,"parameters":{"script":[{"sleep":300}]},"provenance":{},"service":false,"summary":"plays 1 acts","verb":"train"}]}','sha256:91242452f89c99421f1aa58a396ea14b94e00570bf04e6dbf2f0d16b8e4c3666',NULL,'sha256:c61ee29419c5a642c7b9d6a102214ef48342921557eed07cec0aabfb798b7157',NULL,'cancelled',4,'now','enough',NULL,7,1795343967745,1795343967749,1795343967991,'default','root','','698f2de184f64ffd8549dc749b0dfc67',0,0,1);
INSERT INTO "runs" VALUES(6,'20261122-103928-e55a','served','life.yaml','/','{"plan_version": 1, "compiler_version": "test", "name": "served", "profile": null, "sets": [], "spec_digest": "sha256:ed1c62d5501d70fedbbbcedf3abdea3d717ffae2e84b0f86d1f3af6f6fee19ec", "facts_digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "machine": "test", "lock": {}, "steps": [{"name": "chat", "verb": "train", "kind": "fake", "summary": "plays 2 acts", "needs": [], "inputs": {}, "parameters": {"script": [{"emit": {"kind": "ready", "address": "http://127.0.0.1:1"}}, {"sleep": 300}]}, "launch": {"environment": "control", "command": {"argv": ["{python}", "-P", "-m", "tunewright.runners.fake", "run", "{bundle}"], "env": {}}, "prepare": [], "files": {}, "processes_per_node": 1, "nodes": 1}, "gate": null, "service": true, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 5.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:5b080cc5402e11414b6f62f98e632982963877c95691895b2ad6200763ca76a7", "provenance": {}}], "digest": "sha256:2626e3abf57708a16ac7446d72c399ffdce610196babe762fc6f3efc5c0a54e9"}','','[]','{"compiler_version":"test","digest":"sha256:2626e3abf57708a16ac7446d72c399ffdce610196babe762fc6f3efc5c0a54e9","facts_digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","lock":{},"machine":"test","name":"served","plan_version":1,"profile":null,"sets":[],"spec_digest":"sha256:ed1c62d5501d70fedbbbcedf3abdea3d717ffae2e84b0f86d1f3af6f6fee19ec","steps":[{"digest":"sha256:5b080cc5402e11414b6f62f98e632982963877c95691895b2ad6200763ca76a7","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":null,"identity":{},"inputs":{},"kind":"fake","launch":{"command":{"argv":["{python}","-P","-m","tunewright.runners.fake","run","{bundle}"],"env":{}},"environment":"control","files":{},"nodes":1,"prepare":[],"processes_per_node":1},"limits":{"grace_seconds":5,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"chat","needs":[],"not_executable":null,"parameters":{"script":[{"emit":{"address":"http://127.0.0.1:1","kind":"ready"}},{"sleep":300}]},"provenance":{},"service":true,"summary":"plays 2 acts","verb":"train"}]}','sha256:2626e3abf57708a16ac7446d72c399ffdce610196babe762fc6f3efc5c0a54e9',NULL,'sha256:d2bb4af17340e8951c183fb5a73c0d33c0edcbf0946b60b3e9d2f759df023e81',NULL,'succeeded',4,NULL,'',NULL,10,1795343968004,1795343968022,1795343968454,'default','root','','0530bdf8ecc24f2db533ea93853cc45a',0,0,1);
INSERT INTO "runs" VALUES(7,'20261122-103929-5988','rests','life.yaml','/','{"plan_version": 1, "compiler_version": "test", "name": "rests", "profile": null, "sets": [], "spec_digest": "sha256:122f71c01e45a29bd4aa334e6abe405a806af9dface4b24fdb6e6022bbef06ff", "facts_digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "machine": "test", "lock": {}, "steps": [{"name": "sft", "verb": "train", "kind": "fake", "summary": "plays 1 acts", "needs": [], "inputs": {}, "parameters": {"script": [{"wait_for_pause": true}]}, "launch": {"environment": "control", "command": {"argv": ["{python}", "-P", "-m", "tunewright.runners.fake", "run", "{bundle}"], "env": {}}, "prepare": [], "files": {}, "processes_per_node": 1, "nodes": 1}, "gate": null, "service": false, "estimate": {"memory_bytes": null, "capacity_bytes": null, "seconds": null, "seconds_low": null, "seconds_high": null, "disk_bytes": null, "breakdown": {}, "trained_parameters": null, "savings": []}, "limits": {"total_seconds": null, "stall_seconds": null, "grace_seconds": 5.0, "retries": 1}, "not_executable": null, "identity": {}, "digest": "sha256:e2605b63d3b7df577b76d7972f4a92bdeb144335ea8f56e72082a3287569ce63", "provenance": {}}], "digest": "sha256:8c0b6ba509ed40c40e0f55b6ff67ad7c2e0388a0a4f20e05725bd9c5521cee05"}','','[]','{"compiler_version":"test","digest":"sha256:8c0b6ba509ed40c40e0f55b6ff67ad7c2e0388a0a4f20e05725bd9c5521cee05","facts_digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","lock":{},"machine":"test","name":"rests","plan_version":1,"profile":null,"sets":[],"spec_digest":"sha256:122f71c01e45a29bd4aa334e6abe405a806af9dface4b24fdb6e6022bbef06ff","steps":[{"digest":"sha256:e2605b63d3b7df577b76d7972f4a92bdeb144335ea8f56e72082a3287569ce63","estimate":{"breakdown":{},"capacity_bytes":null,"disk_bytes":null,"memory_bytes":null,"savings":[],"seconds":null,"seconds_high":null,"seconds_low":null,"trained_parameters":null},"gate":null,"identity":{},"inputs":{},"kind":"fake","launch":{"command":{"argv":["{python}","-P","-m","tunewright.runners.fake","run","{bundle}"],"env":{}},"environment":"control","files":{},"nodes":1,"prepare":[],"processes_per_node":1},"limits":{"grace_seconds":5,"retries":1,"stall_seconds":null,"total_seconds":null},"name":"sft","needs":[],"not_executable":null,"parameters":{"script":[{"wait_for_pause":true}]},"provenance":{},"service":false,"summary":"plays 1 acts","verb":"train"}]}','sha256:8c0b6ba509ed40c40e0f55b6ff67ad7c2e0388a0a4f20e05725bd9c5521cee05',NULL,'sha256:9ddbabf1155ceadf230ec5bb32d8d6b1edb22e73fcf67df23a341d1819b63538',NULL,'paused',5,NULL,'','{"reason": "PAUSE_WANTED", "message": "ops asked for it: maintenance", "help": "go on with `tunewright resume`", "step": ""}',10,1795343969008,1795343969011,NULL,'default','root','','2e357435e64344899d0aee8d86963558',0,0,1);
CREATE TABLE steps (
  run TEXT NOT NULL REFERENCES runs (id),
  name TEXT NOT NULL,
  position INTEGER NOT NULL,
  verb TEXT NOT NULL,
  kind TEXT NOT NULL,
  summary TEXT NOT NULL,
  needs TEXT NOT NULL,
  digest TEXT NOT NULL,
  service INTEGER NOT NULL,
  retries INTEGER NOT NULL,
  action TEXT NOT NULL,
  because TEXT NOT NULL,
  state TEXT NOT NULL,
  attempt INTEGER NOT NULL DEFAULT 0,
  artifact TEXT,
  reused_from TEXT,
  failure TEXT,
  verdict TEXT,
  address TEXT,
  not_before INTEGER,
  start_time INTEGER,
  end_time INTEGER, devices INTEGER NOT NULL DEFAULT 0, slots INTEGER NOT NULL DEFAULT 0, memory_bytes INTEGER NOT NULL DEFAULT 0, limit_seconds REAL, preempted_for TEXT,
  PRIMARY KEY (run, name)
) STRICT;
INSERT INTO "steps" VALUES('20261122-103924-f569','sft',0,'train','fake','plays 2 acts','[]','sha256:11b5636f99036ea1c4a91c97b27aa202897bf69ad6439ada629b66dd22a981e6',0,1,'create','','succeeded',1,'sha256:168385a4f0834fbfab8c5dd58267c9c461af351ba2c556339d5a3f7fa6fd01cf',NULL,NULL,NULL,NULL,NULL,1795343964029,1795343964905,0,1,0,NULL,NULL);
INSERT INTO "steps" VALUES('20261122-103924-f569','exam',1,'train','fake','plays 2 acts','["sft"]','sha256:af48f6de1deb4b9a58bd7e7537fdc6398afafdc03f3dce6dda3de40adb832a76',0,1,'create','','succeeded',1,'sha256:ebace88fc75879df75d74d53f9526ec105fa8e42bfea51470d95d11f9b56a0a8',NULL,NULL,NULL,NULL,NULL,1795343964912,1795343965975,0,1,0,NULL,NULL);
INSERT INTO "steps" VALUES('20261122-103924-f569','gate',2,'gate','gate','exam.s.m >= 0.1','["exam"]','sha256:e2f97af9b77f27db1a036aa566642223839a8824c83ccf0743a03c83059333f7',0,1,'create','','succeeded',0,NULL,NULL,NULL,'{"passed": true, "requirements": [{"written": "exam.s.m >= 0.1", "evaluated": "exam.s.m 0.500 >= 0.1", "passed": true}]}',NULL,NULL,1795343965980,1795343965980,0,0,0,NULL,NULL);
INSERT INTO "steps" VALUES('20261122-103925-ab98','sft',0,'train','fake','plays 2 acts','[]','sha256:11b5636f99036ea1c4a91c97b27aa202897bf69ad6439ada629b66dd22a981e6',0,1,'reuse','','reused',0,'sha256:168385a4f0834fbfab8c5dd58267c9c461af351ba2c556339d5a3f7fa6fd01cf','20261122-103924-f569',NULL,NULL,NULL,NULL,1795343965996,1795343965996,0,1,0,NULL,NULL);
INSERT INTO "steps" VALUES('20261122-103925-ab98','exam',1,'train','fake','plays 2 acts','["sft"]','sha256:af48f6de1deb4b9a58bd7e7537fdc6398afafdc03f3dce6dda3de40adb832a76',0,1,'reuse','','reused',0,'sha256:ebace88fc75879df75d74d53f9526ec105fa8e42bfea51470d95d11f9b56a0a8','20261122-103924-f569',NULL,NULL,NULL,NULL,1795343965999,1795343965999,0,1,0,NULL,NULL);
INSERT INTO "steps" VALUES('20261122-103925-ab98','gate',2,'gate','gate','exam.s.m >= 0.1','["exam"]','sha256:e2f97af9b77f27db1a036aa566642223839a8824c83ccf0743a03c83059333f7',0,1,'reuse','','reused',0,NULL,'20261122-103924-f569',NULL,'{"passed": true, "requirements": [{"written": "exam.s.m >= 0.1", "evaluated": "exam.s.m 0.500 >= 0.1", "passed": true}]}',NULL,NULL,1795343966004,1795343966004,0,0,0,NULL,NULL);
INSERT INTO "steps" VALUES('20261122-103926-d66a','sft',0,'train','fake','plays 1 acts','[]','sha256:3c119d8a589538d7dc36ec3b33680176f2c3e6fb88bdf3abbb5b0925389a8faf',0,1,'create','','failed',1,NULL,NULL,'{"reason": "FAILED", "message": "the work failed", "help": "", "step": "sft"}',NULL,NULL,NULL,1795343966030,1795343967332,0,1,0,NULL,NULL);
INSERT INTO "steps" VALUES('20261122-103927-6aaa','sft',0,'train','fake','plays 1 acts','[]','sha256:3c119d8a589538d7dc36ec3b33680176f2c3e6fb88bdf3abbb5b0925389a8faf',0,1,'rerun','its result is not at hand (the step did not finish, or was cleaned up)','failed',1,NULL,NULL,'{"reason": "FAILED", "message": "the work failed", "help": "", "step": "sft"}',NULL,NULL,NULL,1795343967356,1795343967734,0,1,0,NULL,NULL);
INSERT INTO "steps" VALUES('20261122-103927-a074','sft',0,'train','fake','plays 1 acts','[]','sha256:7d2a4d9cd59a9c0f24579405a76bf2880fe342872a5fb4f67f0a2bd8f8e24de1',0,1,'create','','cancelled',1,NULL,NULL,NULL,NULL,NULL,NULL,1795343967749,1795343967991,0,1,0,NULL,NULL);
INSERT INTO "steps" VALUES('20261122-103928-e55a','chat',0,'train','fake','plays 2 acts','[]','sha256:5b080cc5402e11414b6f62f98e632982963877c95691895b2ad6200763ca76a7',1,1,'create','','succeeded',1,NULL,NULL,NULL,NULL,'http://127.0.0.1:1',NULL,1795343968022,1795343968454,0,0,0,NULL,NULL);
INSERT INTO "steps" VALUES('20261122-103929-5988','sft',0,'train','fake','plays 1 acts','[]','sha256:e2605b63d3b7df577b76d7972f4a92bdeb144335ea8f56e72082a3287569ce63',0,1,'create','','paused',1,NULL,NULL,'{"reason": "PAUSE_WANTED", "message": "somebody asked for it", "help": "", "step": "sft"}',NULL,NULL,NULL,1795343969011,NULL,0,1,0,NULL,NULL);
CREATE TABLE store (
  id TEXT PRIMARY KEY
) STRICT;
INSERT INTO "store" VALUES('8bc2f0ccddc625e9');
CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  subject TEXT NOT NULL,
  digest TEXT NOT NULL UNIQUE,
  grants TEXT NOT NULL,
  create_time INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  expire_time INTEGER NOT NULL,
  revoke_time INTEGER,
  revoked_by TEXT NOT NULL DEFAULT ''
, certificate TEXT NOT NULL DEFAULT '') STRICT;
CREATE TABLE use_of_projects (
  project TEXT NOT NULL,
  kind TEXT NOT NULL,
  unit_seconds REAL NOT NULL,
  time INTEGER NOT NULL,
  PRIMARY KEY (project, kind)
) STRICT, WITHOUT ROWID;
INSERT INTO "use_of_projects" VALUES('default','slots',4.19789563350275152231e+00,1795343969356);
CREATE TABLE verdicts (
  id INTEGER PRIMARY KEY,
  step_digest TEXT NOT NULL,
  run TEXT NOT NULL REFERENCES runs (id),
  step TEXT NOT NULL,
  verdict TEXT NOT NULL,
  create_time INTEGER NOT NULL
, project TEXT NOT NULL DEFAULT 'default') STRICT;
INSERT INTO "verdicts" VALUES(1,'sha256:e2f97af9b77f27db1a036aa566642223839a8824c83ccf0743a03c83059333f7','20261122-103924-f569','gate','{"passed": true, "requirements": [{"written": "exam.s.m >= 0.1", "evaluated": "exam.s.m 0.500 >= 0.1", "passed": true}]}',1795343965980,'default');
CREATE INDEX runs_by_name ON runs (spec_name, number);
CREATE INDEX runs_active ON runs (state) WHERE state NOT IN ('succeeded', 'failed', 'cancelled');
CREATE INDEX steps_active ON steps (state) WHERE state IN ('starting', 'running', 'cancelling');
CREATE INDEX artifacts_by_step_digest ON artifacts (step_digest, id);
CREATE INDEX artifacts_by_digest ON artifacts (digest, id);
CREATE INDEX verdicts_by_step_digest ON verdicts (step_digest, id);
CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_are_never_removed BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER ended_runs_stay_ended BEFORE UPDATE OF state ON runs
WHEN OLD.state IN ('succeeded', 'failed', 'cancelled') AND NEW.state <> OLD.state
BEGIN SELECT RAISE(ABORT, 'the run has ended'); END;
CREATE TRIGGER ended_steps_stay_ended BEFORE UPDATE OF state ON steps
WHEN OLD.state IN ('succeeded', 'reused', 'failed', 'cancelled', 'skipped') AND NEW.state <> OLD.state
BEGIN SELECT RAISE(ABORT, 'the step has ended'); END;
CREATE TRIGGER ended_deployments_stay_ended BEFORE UPDATE OF state ON deployments
WHEN OLD.state IN ('stopped', 'failed') AND NEW.state <> OLD.state
BEGIN SELECT RAISE(ABORT, 'the deployment has ended'); END;
CREATE UNIQUE INDEX runs_by_request ON runs (project, request) WHERE request IS NOT NULL;
CREATE INDEX runs_by_project ON runs (project, number);
CREATE INDEX artifacts_by_project ON artifacts (project, id);
CREATE TRIGGER access_log_is_never_changed BEFORE UPDATE ON access_log
BEGIN SELECT RAISE(ABORT, 'the access log is append-only'); END;
CREATE TRIGGER access_log_is_never_removed BEFORE DELETE ON access_log
BEGIN SELECT RAISE(ABORT, 'the access log is append-only'); END;
CREATE UNIQUE INDEX one_revision_at_a_time ON deployments (name) WHERE state IN ('live', 'restarting', 'stopping');
CREATE UNIQUE INDEX one_hold_at_a_time ON holds (subject) WHERE release_time IS NULL;
CREATE INDEX collected_by_subject ON collected (subject, kind);
CREATE TRIGGER holds_are_never_removed BEFORE DELETE ON holds
BEGIN SELECT RAISE(ABORT, 'holds are released, not removed'); END;
CREATE TRIGGER holds_stay_released BEFORE UPDATE ON holds
WHEN OLD.release_time IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'the hold was released'); END;
CREATE TRIGGER collected_is_never_changed BEFORE UPDATE ON collected
BEGIN SELECT RAISE(ABORT, 'what was collected is append-only'); END;
CREATE TRIGGER collected_is_never_removed BEFORE DELETE ON collected
BEGIN SELECT RAISE(ABORT, 'what was collected is append-only'); END;
CREATE TRIGGER machine_log_is_never_changed BEFORE UPDATE ON machine_log
BEGIN SELECT RAISE(ABORT, 'the log of the machine is append-only'); END;
CREATE TRIGGER machine_log_is_never_removed BEFORE DELETE ON machine_log
BEGIN SELECT RAISE(ABORT, 'the log of the machine is append-only'); END;
CREATE INDEX runs_by_state ON runs (state, project, create_time);
CREATE INDEX steps_by_state ON steps (state, kind);
CREATE INDEX attempts_by_outcome ON attempts (outcome) WHERE outcome IS NOT NULL;
CREATE INDEX alerts_pending ON alerts (sink, number, not_before) WHERE state = 'pending';
CREATE INDEX alerts_by_fold ON alerts (sink, fold, number);
CREATE INDEX alerts_by_time ON alerts (sink, create_time);
CREATE TRIGGER delivered_alerts_stay_delivered BEFORE UPDATE OF state ON alerts
WHEN OLD.state = 'delivered' AND NEW.state <> OLD.state
BEGIN SELECT RAISE(ABORT, 'the alert was delivered'); END;
CREATE UNIQUE INDEX one_holder_a_device ON leases (device);
CREATE INDEX leases_by_step ON leases (run, step);
CREATE TRIGGER events_have_no_gaps BEFORE INSERT ON events
WHEN NEW.sequence <> (SELECT coalesce(max(sequence), 0) + 1 FROM events WHERE run = NEW.run)
BEGIN SELECT RAISE(ABORT, 'an event must take the next sequence of its run'); END;
CREATE TRIGGER last_sequence_is_of_the_newest BEFORE UPDATE OF last_sequence ON runs
WHEN NEW.last_sequence <> (SELECT coalesce(max(sequence), 0) FROM events WHERE run = NEW.id)
BEGIN SELECT RAISE(ABORT, 'the last sequence must be that of the newest event'); END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('alert_triggers',9);
COMMIT;
