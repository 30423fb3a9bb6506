// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import LiveEmulator
import NIOPosix
import Testing

@Suite("The NIO transport by the conformance suite", .timeLimit(.minutes(30)))
struct NIOConformanceTests {
  let group = MultiThreadedEventLoopGroup.singleton

  private func transport(
    _ change: (inout NIOTransportConfiguration.Limits) -> Void = { _ in }
  ) -> NIOTransport {
    var configuration = NIOTransportConfiguration()
    configuration.limits.closeTimeout = .unhurried
    configuration.limits.maxUnflushedAge = .unhurried
    change(&configuration.limits)
    configuration.tls.trustRoots = .pem(Array(TestCertificate.certificate.utf8))
    return NIOTransport(group: group, configuration: configuration)
  }

  /// All checks with a patient transport, but that of an unanswered close with one that is not, and
  /// that of large messages with one that takes no large ones.
  private func violations(
    _ server: ScriptedServer, _ runtime: BrokerRuntime
  ) async -> [ConformanceViolation] {
    let unanswered = "a close that is not answered ends all the same"
    let tooLarge = "a message over the limit ends the connection as soon as that is known"
    let patient = TransportConformance(
      transport(), peer: server, runtime: runtime, patience: .unhurried)
    let hasty = TransportConformance(
      transport { $0.closeTimeout = .milliseconds(20) }, peer: server, runtime: runtime,
      patience: .unhurried)
    let narrow = TransportConformance(
      transport { $0.maxMessage = 10_000 }, peer: server, runtime: runtime, patience: .unhurried,
      messageLimit: 10_000)
    let others = TransportConformance.names.filter { $0 != unanswered && $0 != tooLarge }
    return await patient.check(only: others) + hasty.check(only: [unanswered])
      + narrow.check(only: [tooLarge])
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
