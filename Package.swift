// swift-tools-version: 6.2
import PackageDescription

// The default build resolves no package: every dependency sits behind a trait that is off by default.

/// A product that a target sees only when the trait `NIO` is on.
func nio(_ name: String, _ package: String = "swift-nio") -> Target.Dependency {
  .product(name: name, package: package, condition: .when(traits: ["NIO"]))
}

let sockets: [Target.Dependency] = [
  nio("NIOCore"), nio("NIOPosix"), nio("NIOHTTP1"), nio("NIOWebSocket"), nio("NIOTLS"),
  nio("NIOSSL", "swift-nio-ssl"), nio("AsyncHTTPClient", "async-http-client"),
]

let package = Package(
  name: "LiveBroker",
  platforms: [.macOS(.v15), .iOS(.v18), .tvOS(.v18), .watchOS(.v11), .visionOS(.v2)],
  products: [
    .library(name: "LiveBroker", targets: ["LiveBroker"]),
    .library(name: "LiveEmulator", targets: ["LiveEmulator"]),
    .executable(name: "LiveBrokerDemo", targets: ["LiveBrokerDemo"]),
  ],
  traits: [
    .default(enabledTraits: []),
    .trait(
      name: "NIO",
      description: "Real sockets: the SwiftNIO transport, HTTP minting, and the emulator's server."),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.0"),
    .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
  ],
  targets: [
    .target(name: "LiveBroker", dependencies: sockets),
    .target(name: "LiveEmulator", dependencies: ["LiveBroker"] + sockets),
    .executableTarget(
      name: "LiveBrokerDemo", dependencies: ["LiveBroker", "LiveEmulator"] + sockets),
    .testTarget(
      name: "LiveBrokerTests",
      dependencies: ["LiveBroker", "LiveEmulator", "LiveBrokerDemo"] + sockets + [
        nio("NIOEmbedded")
      ],
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
