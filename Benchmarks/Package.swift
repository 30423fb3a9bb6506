// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that it sees LiveBroker as its users do: by its public symbols only.
let package = Package(
  name: "Benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "LiveBroker", path: "..")],
  targets: [
    .executableTarget(
      name: "LiveBrokerBenchmarks",
      dependencies: [
        "CHeapCensus",
        .product(name: "LiveBroker", package: "LiveBroker"),
        .product(name: "LiveEmulator", package: "LiveBroker"),
      ],
      swiftSettings: [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        .enableUpcomingFeature("InferIsolatedConformances"),
        .treatAllWarnings(as: .error),
      ]),
    .target(name: "CHeapCensus"),
  ],
  swiftLanguageModes: [.v6]
)
