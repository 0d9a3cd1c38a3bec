//! The cost model: worked examples of AWS's pricing pages (us-east-1 unless said), and what has to hold of any bill.

use bothways_compare::cost::{
    Function, Measured, Options, Prices, Service, Shape, Tier, Traffic, break_even, curves,
    fargate, functions, lambda, load_balancer, services, tiered, what_ifs,
};

fn prices() -> Prices {
    Prices::ours().unwrap()
}

fn near(found: f64, wanted: f64) {
    assert!(
        (found - wanted).abs() < 0.006,
        "{found} is not {wanted} to the cent"
    );
}

/// Pages "AWS Lambda Pricing", as stored in 2018–2020: 512 MB, 3 million invocations of 1 s, at $0.00001667 then:
/// 1,100,000 GB-s that are paid, $18.34, and $0.40 for requests.
#[test]
fn lambda_example_of_512_mb_for_a_second() {
    let mut lambda_then = prices().lambda;
    lambda_then.gb_second = vec![Tier {
        up_to: None,
        price: 0.000_016_67,
    }];
    let (requests, duration) = lambda(&lambda_then, 3e6, 3e6 * 512.0 / 1024.0);
    near(requests, 0.40);
    near(duration, 18.34);
    near(requests + duration, 18.74);
}

/// The same page since 2022, "Mobile application backend": 1536 MB, 3 million invocations of 120 ms. 140,000 GB-s are
/// paid: $2.33, and $0.40 for requests. In ap-east-1, where a GB-s is $0.00002292 and a million requests $0.28, it is
/// $3.21 and $0.56.
#[test]
fn lambda_example_of_a_mobile_backend_in_two_regions() {
    let gb_seconds = 3e6 * 0.12 * 1536.0 / 1024.0;
    let (requests, duration) = lambda(&prices().lambda, 3e6, gb_seconds);
    near(requests, 0.40);
    near(duration, 2.33);
    let mut hong_kong = prices().lambda;
    hong_kong.million_requests = 0.28;
    hong_kong.gb_second = vec![Tier {
        up_to: None,
        price: 0.000_022_92,
    }];
    let (requests, duration) = lambda(&hong_kong, 3e6, gb_seconds);
    near(requests, 0.56);
    near(duration, 3.21);
}

/// Page "AWS Fargate Pricing", example 1: five tasks of 1 vCPU and 2 GB, ten minutes on each of 30 days: $1.01 for CPU
/// and $0.22 for memory. (Its $0.03 for storage beyond 20 GB doesn't arise here.)
#[test]
fn fargate_example_of_five_tasks() {
    let hours = 5.0 * 600.0 * 30.0 / 3600.0;
    let (cpu, memory) = fargate(&prices().fargate, hours, hours * 2.0);
    near(cpu, 1.01);
    near(memory, 0.22);
}

/// A worked example after page "Elastic Load Balancing pricing", at $0.027 an hour: 26.6 new connections a second are
/// 1.064 capacity units and outdo 0.9 GB an hour: $0.0355 an hour.
#[test]
fn load_balancer_example_of_new_connections() {
    let mut elsewhere = prices().load_balancer;
    elsewhere.hour = 0.027;
    let hour = load_balancer(&elsewhere, 1.0, 26.6, 0.9, 0.0);
    assert!((hour - 0.0355).abs() < 0.0001, "{hour}");
    near(
        load_balancer(&prices().load_balancer, 1.0, 0.0, 0.0, 0.0),
        0.0225,
    );
}

/// "Best Practices for Designing Amazon API Gateway Private APIs", table 4: $1.00 a million up to 300 million requests
/// a month, $0.90 beyond. 216 million are $216.
#[test]
fn http_api_tiers() {
    let tiers = prices().http_api.million_requests;
    near(tiered(&tiers, 216e6) / 1e6, 216.0);
    near(tiered(&tiers, 300e6) / 1e6, 300.0);
    near(tiered(&tiers, 400e6) / 1e6, 390.0);
    near(tiered(&tiers, 0.0), 0.0);
}

/// A service and a function that do so much; of the functions' price only what is asked about.
fn measured() -> Measured {
    Measured {
        services: vec![Service {
            name: "shop".to_owned(),
            cpu_seconds: 0.002,
            memory_mb: 100.0,
        }],
        functions: vec![Function {
            name: "shop".to_owned(),
            invocations: 1.0,
            duration_ms: 3.0,
            cpu_ms: 2.0,
            init_ms: 20.0,
            memory_mb: 512.0,
        }],
    }
}

fn flat(requests: f64) -> Traffic {
    Traffic {
        shape: Shape::Flat,
        requests,
    }
}

#[test]
fn services_are_paid_whether_or_not_anybody_comes_and_then_by_their_cpu() {
    let (prices, measured) = (prices(), measured());
    let bill = |requests| {
        services(
            &measured.services,
            &flat(requests),
            &prices,
            Options::default(),
        )
    };
    // Two tasks of a quarter vCPU and half a GB for 730 hours.
    let least = 2.0 * 730.0 * (0.25 * 0.04048 + 0.5 * 0.004_445);
    near(bill(0.0).items["Fargate"], least);
    near(bill(1e6).items["Fargate"], least);
    // 1000 requests a second are 2 cores, and 16 tasks at half their capacity: eight times as much.
    near(bill(1000.0 * 730.0 * 3600.0).items["Fargate"], 8.0 * least);
}

#[test]
fn functions_are_paid_by_the_invocation_slowed_by_their_memory() {
    let (prices, measured) = (prices(), measured());
    let bill = functions(&measured.functions, &flat(1e9), &prices, Options::default());
    near(bill.items["Lambda requests"], 999.0 * 0.20);
    // 1 ms of waiting, 2 ms of CPU on 512/1769 of a vCPU, half a millisecond lost to rounding; few cold starts.
    let cold = 0.0005 * 20.0;
    let seconds = (1.0 + 2.0 * 1769.0 / 512.0 + 0.5 + cold) / 1000.0 * 1e9 / 2.0 - 400_000.0;
    assert!((bill.items["Lambda GB-seconds"] / (seconds * 0.000_016_666_7) - 1.0).abs() < 1e-6);
    assert!((bill.cold_share - 0.0005).abs() < 1e-9);
    let none = functions(&measured.functions, &flat(0.0), &prices, Options::default());
    near(
        none.items["Lambda requests"] + none.items["Lambda GB-seconds"] + none.items["HTTP API"],
        0.0,
    );
}

#[test]
fn who_comes_seldom_finds_no_instance() {
    let (prices, measured) = (prices(), measured());
    let share = |requests| {
        functions(
            &measured.functions,
            &flat(requests),
            &prices,
            Options::default(),
        )
        .cold_share
    };
    // 1000 a month is one in 44 minutes; idle instances are kept for five.
    assert!((share(1e3) - (-300.0_f64 * 1e3 / (730.0 * 3600.0)).exp()).abs() < 1e-9);
    assert!(share(1e3) > 0.85 && share(1e5) < 0.01);
}

#[test]
fn a_bill_never_falls_as_more_come_and_has_every_item() {
    for curve in curves(&Measured::example(), &prices()) {
        for pair in curve.points.windows(2) {
            assert!(
                pair[1].services.total() >= pair[0].services.total() - 1e-6,
                "{}",
                curve.shape
            );
            assert!(
                pair[1].functions.total() >= pair[0].functions.total() - 1e-6,
                "{}",
                curve.shape
            );
        }
        let point = curve.points.last().unwrap();
        for item in [
            "Fargate",
            "load balancer",
            "database",
            "NAT gateway",
            "S3",
            "logs",
            "traffic out",
        ] {
            assert!(point.services.items[item] > 0.0, "{item}");
        }
        for item in [
            "Lambda requests",
            "Lambda GB-seconds",
            "HTTP API",
            "SQS",
            "RDS Proxy",
            "logs",
        ] {
            assert!(point.functions.items[item] > 0.0, "{item}");
        }
        let (first, last) = (curve.points.first().unwrap().requests, point.requests);
        assert!((first - 1e3).abs() < 1e-6 && (last - 1e10).abs() < 1.0);
    }
}

#[test]
fn at_a_break_even_point_both_cost_the_same() {
    let (prices, measured) = (prices(), Measured::example());
    for shape in Shape::ALL {
        for requests in break_even(&measured, shape, &prices, Options::default()) {
            let traffic = Traffic { shape, requests };
            let services =
                services(&measured.services, &traffic, &prices, Options::default()).total();
            let functions =
                functions(&measured.functions, &traffic, &prices, Options::default()).total();
            assert!(
                (services / functions - 1.0).abs() < 0.001,
                "{shape}: {services} and {functions}"
            );
        }
    }
    let even = break_even(&measured, Shape::Flat, &prices, Options::default());
    assert!(
        !even.is_empty(),
        "few requests are cheaper by functions, many by services"
    );
}

#[test]
fn all_shapes_have_the_month_s_requests() {
    for shape in Shape::ALL {
        let traffic = Traffic {
            shape,
            requests: 1e8,
        };
        let month: f64 = traffic
            .hours()
            .iter()
            .map(|rate| rate * 3600.0 * 730.0 / 24.0)
            .sum();
        assert!((month / 1e8 - 1.0).abs() < 1e-9, "{shape}: {month}");
        let enough = traffic
            .ready_for()
            .iter()
            .zip(traffic.hours())
            .all(|(ready, rate)| *ready >= rate);
        assert!(enough, "{shape}");
    }
}

#[test]
fn what_ifs_do_what_they_say() {
    let what_ifs = what_ifs(&Measured::example(), &prices());
    let totals = |what: &str| {
        what_ifs
            .iter()
            .find(|one| one.what == what)
            .unwrap()
            .totals
            .clone()
    };
    let plain = totals("as it is");
    for (index, (services, functions)) in plain.iter().enumerate() {
        assert!(totals("services on Spot")[index].0 < *services);
        assert!(totals("one task of each service")[index].0 <= *services);
        assert!(totals("functions with twice the memory")[index].1 >= *functions);
        assert!((totals("services on Spot")[index].1 - functions).abs() < 1e-9);
    }
}

#[test]
fn a_file_of_prices_that_makes_no_sense_is_refused() {
    let ours = include_str!("../../prices.yaml");
    assert!(Prices::parse(ours).is_ok());
    for (from, to) in [
        ("up_to: 300.0e6, ", ""),
        ("target_utilisation: 0.5", "target_utilisation: 0"),
        ("vcpu_hour", "vcpu_huor"),
        ("task_vcpu: 0.25", "task_vcpu: 0"),
        ("million_requests: 0.20", "million_requests: cheap"),
    ] {
        let changed = ours.replace(from, to);
        assert_ne!(changed, ours);
        assert!(Prices::parse(&changed).is_err(), "{to}");
    }
}
