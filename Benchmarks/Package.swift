// swift-tools-version: 6.2
import PackageDescription

/// A product that the benchmarks see only when the trait `NIO` is on.
func nio(_ name: String, _ package: String = "swift-nio") -> Target.Dependency {
  .product(name: name, package: package, condition: .when(traits: ["NIO"]))
}

// A package of its own, so that it sees LiveBroker as its users do: by its public symbols only.
let package = Package(
  name: "Benchmarks",
  platforms: [.macOS(.v15)],
  traits: [
    .default(enabledTraits: []),
    .trait(name: "NIO", description: "The benchmarks on real sockets: soak, hold, sockets."),
  ],
  dependencies: [
    .package(
      name: "LiveBroker", path: "..",
      traits: [.trait(name: "NIO", condition: .when(traits: ["NIO"]))]),
    // For the bare client alone, and only fetched with the trait.
    .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.0"),
  ],
  targets: [
    .executableTarget(
      name: "LiveBrokerBenchmarks",
      dependencies: [
        "CHeapCensus",
        .product(name: "LiveBroker", package: "LiveBroker"),
        .product(name: "LiveEmulator", package: "LiveBroker"),
        nio("NIOCore"), nio("NIOPosix"), nio("NIOSSL", "swift-nio-ssl"),
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
