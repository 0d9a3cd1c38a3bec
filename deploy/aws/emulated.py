#!/usr/bin/env python3
"""Deploys the shop to emulators of AWS and takes it away again, with the tools and the template that AWS would get.

    deploy/aws/emulated.py configuration         cargo lambda deploy of each function to moto, and what arrived there
    deploy/aws/emulated.py functions             the same to ministack, and away again
    deploy/aws/emulated.py stack -- COMMAND...   sam deploy of the stack to ministack; COMMAND runs against the shop; then
                                                 everything is deleted

The functions have to be built (deploy/aws/build); LAMBDA_DIR says where `configuration` and `functions` find them, if not
in target/lambda. `stack` needs DATABASE_URL, a postgres:// URL with {context} in it,
and target/debug/payment-sandbox-service. Runs with a Python that has boto3; moto_server, ministack, sam and
cargo-lambda have to be in PATH. Nothing is left running.
"""

import contextlib
import json
import os
import pathlib
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import boto3
import botocore.exceptions

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "deploy" / "aws"
BUILT = pathlib.Path(os.environ.get("LAMBDA_DIR", ROOT / "target" / "lambda"))
STACK = "bothways-emulated"
REGION = "us-east-1"
# Both emulators' account, and a role: neither checks that it is there.
ROLE = "arn:aws:iam::000000000000:role/bothways-emulated"


def functions():
    """Names of all functions."""
    return sorted(path.name for path in (ROOT / "functions").iterdir() if (path / "Cargo.toml").exists())


def declared(name):
    """`[package.metadata.lambda.deploy]` of a function."""
    command = ["cargo", "metadata", "--format-version", "1", "--no-deps", "--offline"]
    if not declared.packages:
        metadata = json.loads(subprocess.check_output(command, cwd=ROOT))
        declared.packages = {package["name"]: package for package in metadata["packages"]}
    return declared.packages[f"{name}-function"]["metadata"]["lambda"]["deploy"]


declared.packages = {}


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def running(command, port, environment=None, log=None):
    """A server in a process group of its own, which ends with the block."""
    with open(log or os.devnull, "w") as output:
        process = subprocess.Popen(
            command, env={**os.environ, **(environment or {})}, stdout=output, stderr=output, start_new_session=True
        )
    try:
        until = time.monotonic() + 120
        while True:
            if process.poll() is not None:
                raise SystemExit(f"{command[0]} ended with {process.returncode}; see {log}")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            if time.monotonic() > until:
                raise SystemExit(f"{command[0]} does not listen")
            time.sleep(0.2)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def aws_environment(endpoint):
    """What the tools are told, so that nothing of a real account is used."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "000000000000",
        "AWS_SECRET_ACCESS_KEY": "emulated",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAM_CLI_TELEMETRY": "0",
    }


def client(service, endpoint):
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="000000000000",
        aws_secret_access_key="emulated",
    )


def run(command, environment=None, **options):
    print("$", " ".join(command), flush=True)
    subprocess.run(command, env={**os.environ, **(environment or {})}, check=True, **options)


def deploy_one(name, endpoint):
    """`cargo lambda deploy`, as the README has it, and an emulator's endpoint."""
    command = ["cargo", "lambda", "deploy", "--binary-name", name, "--endpoint-url", endpoint, "--role", ROLE]
    command += ["--manifest-path", f"functions/{name}/Cargo.toml", "--lambda-dir", str(BUILT)]
    run(command + [f"bothways-{name}"], aws_environment(endpoint), cwd=ROOT)


def compare(name, endpoint):
    """Fails when a function is not configured as its manifest declares."""
    said = declared(name)
    found = client("lambda", endpoint).get_function_configuration(FunctionName=f"bothways-{name}")
    pairs = {
        "MemorySize": (said["memory"], found["MemorySize"]),
        "Timeout": (said["timeout"], found["Timeout"]),
        "Runtime": (said["runtime"], found["Runtime"]),
        "TracingConfig": (said["tracing"].capitalize(), found.get("TracingConfig", {}).get("Mode")),
        "Architectures": (["x86_64"], found["Architectures"]),
    }
    for variable, value in said["env"].items():
        pairs[variable] = (value, found["Environment"]["Variables"].get(variable))
    wrong = {what: pair for what, pair in pairs.items() if pair[0] != pair[1]}
    print(f"{name:<20} {found['MemorySize']:>5} MB {found['Timeout']:>4} s  {'as declared' if not wrong else wrong}")
    return not wrong


def configuration():
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        # Without iam's managed policies a deployment to moto fails while it looks for one.
        environment = {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true"}
        command = ["moto_server", "-H", "127.0.0.1", "-p", str(port)]
        with running(command, port, environment, f"{folder}/moto.log"):
            trust = json.dumps({"Version": "2012-10-17", "Statement": []})
            client("iam", endpoint).create_role(RoleName="bothways-emulated", AssumeRolePolicyDocument=trust)
            role = client("iam", endpoint).get_role(RoleName="bothways-emulated")["Role"]["Arn"]
            globals()["ROLE"] = role
            for name in functions():
                deploy_one(name, endpoint)
            right = [compare(name, endpoint) for name in functions()]
    if not all(right):
        raise SystemExit("some functions are not configured as declared")


def inventory(endpoint):
    """Everything in the emulator that a deployment may have made."""
    api = client("apigatewayv2", endpoint)
    events = client("events", endpoint)
    found = {
        "functions": [f["FunctionName"] for f in client("lambda", endpoint).list_functions()["Functions"]],
        "event sources": [
            m["UUID"] for m in client("lambda", endpoint).list_event_source_mappings()["EventSourceMappings"]
        ],
        "queues": client("sqs", endpoint).list_queues().get("QueueUrls", []),
        "buckets": [b["Name"] for b in client("s3", endpoint).list_buckets()["Buckets"]],
        "APIs": [a["ApiId"] for a in api.get_apis()["Items"]],
        "rules": [r["Name"] for r in events.list_rules()["Rules"]],
        "roles": [
            r["RoleName"]
            for r in client("iam", endpoint).list_roles()["Roles"]
            if not r.get("Path", "/").startswith("/aws-service-role/")
        ],
        "secrets": [s["Name"] for s in client("secretsmanager", endpoint).list_secrets()["SecretList"]],
        "log groups": [g["logGroupName"] for g in client("logs", endpoint).describe_log_groups()["logGroups"]],
        "alarms": [a["AlarmName"] for a in client("cloudwatch", endpoint).describe_alarms()["MetricAlarms"]],
        "policies": [
            p["PolicyName"] for p in client("iam", endpoint).list_policies(Scope="Local")["Policies"]
        ],
        "stacks": [
            s["StackName"]
            for s in client("cloudformation", endpoint).list_stacks()["StackSummaries"]
            if s["StackStatus"] != "DELETE_COMPLETE"
        ],
    }
    return {kind: names for kind, names in found.items() if names}


def template_routes():
    """The routes of the template: route key and logical id of the function. SAM hands them to the API inside an
    OpenAPI document, of which ministack makes none."""
    from samtranslator.yaml_helper import yaml_parse

    resources = yaml_parse((HERE / "template.yaml").read_text())["Resources"]
    for logical, resource in resources.items():
        for event in resource.get("Properties", {}).get("Events", {}).values():
            if event["Type"] == "HttpApi":
                said = event["Properties"]
                key = f"{said.get('Method', 'ANY')} {said['Path']}" if "Path" in said else "$default"
                yield key, logical


def create_routes(endpoint, api_id, physical):
    """Integrations and routes as API Gateway makes them of the template."""
    api = client("apigatewayv2", endpoint)
    there = {route["RouteKey"] for route in api.get_routes(ApiId=api_id)["Items"]}
    print("the emulator itself made", len(there), "of", len(list(template_routes())), "routes")
    integrations = {}
    for key, logical in template_routes():
        if key in there:
            continue
        if logical not in integrations:
            arn = f"arn:aws:lambda:{REGION}:000000000000:function:{physical[logical]}"
            made = api.create_integration(
                ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=arn, PayloadFormatVersion="2.0"
            )
            integrations[logical] = made["IntegrationId"]
        api.create_route(ApiId=api_id, RouteKey=key, Target=f"integrations/{integrations[logical]}")
    stages = {stage["StageName"] for stage in api.get_stages(ApiId=api_id)["Items"]}
    if "$default" not in stages:
        api.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)


def say_where(endpoint, physical):
    """Tells the functions where this AWS is; what they find at another one they know from their region."""
    api = client("lambda", endpoint)
    where = {"AWS_ENDPOINT_URL_SQS": endpoint, "AWS_ENDPOINT_URL_S3": endpoint, "AWS_ALLOW_HTTP": "true"}
    for logical, name in physical.items():
        if logical.endswith("Function"):
            known = api.get_function_configuration(FunctionName=name).get("Environment", {}).get("Variables", {})
            api.update_function_configuration(FunctionName=name, Environment={"Variables": {**known, **where}})


def calm_down(endpoint):
    """Lets scheduled invocations end. To the log of one that is under way, ministack makes its group again after the stack
    is gone; on AWS that takes logs:CreateLogGroup, which no role has."""
    events = client("events", endpoint)
    for rule in events.list_rules()["Rules"]:
        events.disable_rule(Name=rule["Name"])
    # The longest timeout of a function on a schedule.
    time.sleep(60)


def empty(endpoint, bucket):
    """A bucket has to be empty before it can be deleted."""
    s3 = client("s3", endpoint)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for found in page.get("Contents", []):
            s3.delete_object(Bucket=bucket, Key=found["Key"])


def sam_deploy(endpoint, parameters):
    given = " ".join(f'ParameterKey={name},ParameterValue="{value}"' for name, value in parameters.items())
    command = ["sam", "deploy", "--template-file", "template.yaml", "--stack-name", STACK, "--resolve-s3"]
    command += ["--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-progressbar"]
    print("$", " ".join(command), "--parameter-overrides ...", flush=True)
    command += ["--parameter-overrides", given]
    environment = {**os.environ, **aws_environment(endpoint)}
    subprocess.run(command, env=environment, check=True, cwd=HERE)


def ministack(servers, folder):
    """A running ministack's endpoint."""
    port = free_port()
    environment = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "LAMBDA_EXECUTOR": "local",
        "IOT_MTLS_ENABLED": "0",
        "AWS_ACCESS_KEY_ID": "000000000000",
        "AWS_SECRET_ACCESS_KEY": "emulated",
    }
    servers.enter_context(running(["ministack"], port, environment, f"{folder}/ministack.log"))
    return f"http://127.0.0.1:{port}"


def one_by_one():
    """Each function by itself, as one who changed one function deploys it, and away again."""
    with contextlib.ExitStack() as servers, tempfile.TemporaryDirectory() as folder:
        endpoint = ministack(servers, folder)
        before, right = inventory(endpoint), []
        for name in functions():
            deploy_one(name, endpoint)
            right.append(compare(name, endpoint))
            client("lambda", endpoint).delete_function(FunctionName=f"bothways-{name}")
        logs = client("logs", endpoint)
        for group in logs.describe_log_groups()["logGroups"]:
            logs.delete_log_group(logGroupName=group["logGroupName"])
        left = inventory(endpoint)
        print("after:", left or "nothing")
        if not all(right) or left != before:
            raise SystemExit("not configured as declared, or something was left behind")


def stack(command):
    database = os.environ["DATABASE_URL"]
    payment_port = free_port()
    key, password = f"sk_test_{secrets.token_hex(12)}", secrets.token_hex(12)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bothways-emulated-"))
    print("logs:", folder, flush=True)
    payment = {
        "LISTEN": f"127.0.0.1:{payment_port}",
        "DATABASE_URL": f"sqlite://{folder}/payment.db",
        "PAYMENT_KEY": key,
    }
    sandbox = str(ROOT / "target" / "debug" / "payment-sandbox-service")
    with contextlib.ExitStack() as servers:
        servers.enter_context(running([sandbox], payment_port, payment, f"{folder}/payment.log"))
        endpoint = ministack(servers, folder)
        before = inventory(endpoint)
        print("before:", before or "nothing")
        parameters = {
            "DatabaseUrl": database,
            "PaymentUrl": f"http://127.0.0.1:{payment_port}",
            "PaymentKey": key,
            "AdminEmail": "admin@example.com",
            "AdminPassword": password,
            "ShipAfterMs": "45000",
            "DeliverAfterMs": "4000",
            "FulfilmentWindowMs": "55000",
            # ministack answers: "AWS::CloudWatch::Alarm Properties.Metrics (metric math) is not supported".
            "Alarms": "no",
        }
        sam_deploy(endpoint, parameters)
        cloudformation = client("cloudformation", endpoint)
        described = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
        listed = cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
        physical = {found["LogicalResourceId"]: found["PhysicalResourceId"] for found in listed}
        print("stack:", described["StackStatus"], outputs, flush=True)
        say_where(endpoint, physical)
        create_routes(endpoint, outputs["ApiId"], physical)
        door = Door(outputs["ApiId"], int(endpoint.rsplit(":", 1)[1]))
        status = 1
        try:
            wait_until_ready(door.url)
            environment = {
                "SHOP_URL": door.url,
                "SHOP_ARCHITECTURE": "serverless",
                "SHOP_ADMIN_EMAIL": "admin@example.com",
                "SHOP_ADMIN_PASSWORD": password,
                "SHOP_PAYMENT_URL": f"http://127.0.0.1:{payment_port}",
                "SHOP_PAYMENT_KEY": key,
            }
            print("$", " ".join(command), flush=True)
            status = subprocess.run(command, env={**os.environ, **environment}, cwd=ROOT).returncode
        finally:
            door.close()
        calm_down(endpoint)
        for output in ["PhotoBucketName", "SnapshotBucketName"]:
            empty(endpoint, outputs[output])
        run(
            ["sam", "delete", "--stack-name", STACK, "--no-prompts", "--region", REGION],
            aws_environment(endpoint),
            cwd=HERE,
        )
        # What `--resolve-s3` made is the account's, not the stack's: for any number of stacks.
        managed = "aws-sam-cli-managed-default"
        with contextlib.suppress(botocore.exceptions.ClientError, KeyError, IndexError):
            found = cloudformation.describe_stacks(StackName=managed)["Stacks"][0]
            for output in found["Outputs"]:
                if output["OutputKey"] == "SourceBucket":
                    empty(endpoint, output["OutputValue"])
            cloudformation.delete_stack(StackName=managed)
            time.sleep(2)
        left = inventory(endpoint)
        print("after:", left or "nothing")
        if left != before:
            raise SystemExit("something was left behind")
    if status == 0:
        shutil.rmtree(folder)
    raise SystemExit(status)


def wait_until_ready(url):
    until = time.monotonic() + 180
    while True:
        try:
            urllib.request.urlopen(f"{url}/readyz", timeout=30).read()
            return
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > until:
                raise SystemExit(f"{url} is not ready: {error}") from error
            time.sleep(1)


class Door:
    """ministack tells APIs apart by the name in `Host`, under which nobody's resolver finds this machine. This forwards
    bytes to it with that name, over one connection for each request."""

    def __init__(self, api_id, port):
        import http.server
        import threading

        host = f"{api_id}.execute-api.localhost:{port}"

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self):
                import http.client

                length = self.headers.get("content-length")
                if "chunked" in self.headers.get("transfer-encoding", ""):
                    body = b""
                    while size := int(self.rfile.readline().split(b";")[0], 16):
                        body += self.rfile.read(size)
                        self.rfile.readline()
                    self.rfile.readline()
                else:
                    body = self.rfile.read(int(length)) if length else None
                upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                # ministack takes this path for its own, of Cognito, unless the stage is named before it.
                own = self.command == "POST" and self.path.partition("?")[0] == "/login"
                path = f"/$default{self.path}" if own else self.path
                upstream.putrequest(self.command, path, skip_host=True, skip_accept_encoding=True)
                upstream.putheader("host", host)
                for name, value in self.headers.items():
                    if name.lower() not in ("host", "connection", "content-length", "transfer-encoding"):
                        upstream.putheader(name, value)
                if body is not None:
                    upstream.putheader("content-length", str(len(body)))
                upstream.endheaders(body)
                answer = upstream.getresponse()
                content = answer.read()
                self.send_response_only(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("connection", "content-length", "transfer-encoding", "keep-alive"):
                        self.send_header(name, value)
                length = answer.getheader("content-length") if self.command == "HEAD" else str(len(content))
                if length is not None and answer.status not in (204, 304):
                    self.send_header("content-length", length)
                self.end_headers()
                self.wfile.write(content)
                upstream.close()

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = forward

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["configuration"]:
            configuration()
        case ["functions"]:
            one_by_one()
        case ["stack", "--", *command] if command:
            stack(command)
        case _:
            raise SystemExit(__doc__)
