// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import LiveEmulator
import NIOPosix
import Testing

@Suite("The NIO transport by the conformance suite", .timeLimit(.minutes(30)))
struct NIOConformanceTests {
  let group = MultiThreadedEventLoopGroup.singleton

  private func transport(closeTimeout: Duration) -> NIOTransport {
    var configuration = NIOTransportConfiguration()
    configuration.limits.closeTimeout = closeTimeout
    configuration.tls.trustRoots = .pem(Array(TestCertificate.certificate.utf8))
    return NIOTransport(group: group, configuration: configuration)
  }

  /// All checks with a patient transport, and the one of an unanswered close with one that is not.
  private func violations(
    _ server: ScriptedServer, _ runtime: BrokerRuntime
  ) async -> [ConformanceViolation] {
    let unanswered = "a close that is not answered ends all the same"
    let patient = TransportConformance(
      transport(closeTimeout: .unhurried), peer: server, runtime: runtime, patience: .unhurried)
    let hasty = TransportConformance(
      transport(closeTimeout: .milliseconds(20)), peer: server, runtime: runtime,
      patience: .unhurried)
    return await patient.check(only: TransportConformance.names.filter { $0 != unanswered })
      + hasty.check(only: [unanswered])
  }

  @Test("It conforms on event loops, plain and with TLS", arguments: [false, true])
  func conforms(tls: Bool) async throws {
    let server = try await ScriptedServer(group, tls: tls)
    let violations = await violations(server, .nio(group: group))
    #expect(violations == [])
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
    let violations = await violations(server, runtime)
    #expect(violations == [])
    for executor in executors { executor.stop() }
    await server.close()
  }
}
#endif
