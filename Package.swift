// swift-tools-version: 6.2
import PackageDescription

// The default build resolves no package: every dependency sits behind a trait that is off by default.
let package = Package(
  name: "LiveBroker",
  platforms: [.macOS(.v15), .iOS(.v18), .tvOS(.v18), .watchOS(.v11), .visionOS(.v2)],
  products: [
    .library(name: "LiveBroker", targets: ["LiveBroker"]),
    .library(name: "LiveEmulator", targets: ["LiveEmulator"]),
    .executable(name: "LiveBrokerDemo", targets: ["LiveBrokerDemo"]),
  ],
  targets: [
    .target(name: "LiveBroker"),
    .target(name: "LiveEmulator", dependencies: ["LiveBroker"]),
    .executableTarget(name: "LiveBrokerDemo", dependencies: ["LiveBroker", "LiveEmulator"]),
    .testTarget(
      name: "LiveBrokerTests",
      dependencies: ["LiveBroker", "LiveEmulator", "LiveBrokerDemo"],
      resources: [.copy("Fixtures")]
    ),
  ],
  swiftLanguageModes: [.v6]
)

for target in package.targets {
  target.swiftSettings =
    (target.swiftSettings ?? []) + [
      .enableUpcomingFeature("ExistentialAny"),
      .enableUpcomingFeature("InternalImportsByDefault"),
      .enableUpcomingFeature("MemberImportVisibility"),
      .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
      .enableUpcomingFeature("InferIsolatedConformances"),
      .enableUpcomingFeature("ImmutableWeakCaptures"),
      .treatAllWarnings(as: .error),
    ]
}
