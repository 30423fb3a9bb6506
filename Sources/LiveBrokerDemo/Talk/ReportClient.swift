// SPDX-License-Identifier: Apache-2.0

#if NIO
import AsyncHTTPClient
import Foundation
import LiveBroker
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Fetches the report of an emulated service.
struct ReportClient: Sendable {
  private static let largest = 512 << 20
  /// A server with faults may leave this connection unanswered, too.
  private static let tries = 3

  private let client: HTTPClient
  private let address: String

  init(_ endpoint: LiveEndpoint, authority: String?, group: any EventLoopGroup) {
    var tls = TLSConfiguration.makeClientConfiguration()
    if let authority { tls.trustRoots = .file(authority) }
    var configuration = HTTPClient.Configuration(
      tlsConfiguration: tls, redirectConfiguration: .disallow)
    configuration.httpVersion = .http1Only
    configuration.timeout.connect = .seconds(5)
    configuration.timeout.read = .seconds(15)
    configuration.connectionPool.retryConnectionEstablishment = false
    client = HTTPClient(eventLoopGroup: group, configuration: configuration)
    address = endpoint.shown
  }

  func shutdown() async { try? await client.shutdown() }

  /// What the service tells; nil if this one tells nothing of the kind.
  ///
  /// - Parameter query: behind the question mark.
  func report(_ query: String) async throws(TalkFailure) -> OutsideReport? {
    var left = Self.tries
    while true {
      left -= 1
      do {
        return try await ask(query)
      } catch let error as HTTPClientError where error == .readTimeout && left > 0 {
        continue
      } catch {
        throw TalkFailure(.unavailable, "\(address) does not answer: \(Self.reason(error))")
      }
    }
  }

  private func ask(_ query: String) async throws -> OutsideReport? {
    let request = HTTPClientRequest(url: "\(address)/emulator/report?\(query)")
    let response = try await client.execute(request, timeout: .seconds(120))
    guard response.status == .ok else { return nil }
    let body = try await response.body.collect(upTo: Self.largest)
    return (try? JSONValue(decoding: Array(buffer: body))).flatMap(OutsideReport.init)
  }

  /// What went wrong on the way to a host, in words.
  static func reason(_ error: any Error) -> String {
    switch error {
    case let error as NIOConnectionError:
      error.connectionErrors.first.map { reason($0.error) } ?? "no address of the host answers"
    case let error as IOError: String(cString: strerror(error.errnoCode))
    case let error as HTTPClientError where error == .connectTimeout: "no connection within 5 s"
    case let error as HTTPClientError where error == .readTimeout: "nothing came for 15 s"
    case let error as HTTPClientError where error == .remoteConnectionClosed:
      "it closed the connection. A server with TLS needs https"
    case is NIOSSLError where "\(error)".contains("WRONG_VERSION_NUMBER"):
      "it does not speak TLS. A server without needs http"
    case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
      // Without the places in the library's sources.
      "TLS failed: \("\(error)".replacing(/\ at \/[^\]]*:[0-9]+/, with: "")). "
        + "A server that made its own certificate needs --ca FILE"
    default: "\(error)"
    }
  }
}
#endif
