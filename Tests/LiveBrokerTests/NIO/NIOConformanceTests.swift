// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import LiveEmulator
import NIOPosix
import Testing

@Suite("The NIO transport by the conformance suite", .timeLimit(.minutes(2)))
struct NIOConformanceTests {
  let group = MultiThreadedEventLoopGroup.singleton

  private func configuration() -> NIOTransportConfiguration {
    var configuration = NIOTransportConfiguration()
    configuration.limits.closeTimeout = .milliseconds(50)
    configuration.tls.trustRoots = .pem(Array(TestCertificate.certificate.utf8))
    return configuration
  }

  @Test("It conforms on event loops, plain and with TLS", arguments: [false, true])
  func conforms(tls: Bool) async throws {
    let server = try await ScriptedServer(group, tls: tls)
    let suite = TransportConformance(
      NIOTransport(group: group, configuration: configuration()), peer: server,
      runtime: .nio(group: group))
    #expect(await suite.check() == [])
    await server.close()
  }

  @Test("It conforms when the engine lives on threads of its own")
  func conformsOnThreads() async throws {
    var abilities = ConformanceAbilities.all
    abilities.remove(.callsOnExecutor)
    let server = try await ScriptedServer(group, abilities: abilities)
    let runtime = BrokerRuntime.threads(count: 1)
    let executors = runtime.shardExecutors + [runtime.controlExecutor]
    for executor in executors { executor.start() }
    let suite = TransportConformance(
      NIOTransport(group: group, configuration: configuration()), peer: server, runtime: runtime)
    #expect(await suite.check() == [])
    for executor in executors { executor.stop() }
    await server.close()
  }
}
#endif
