# Perl's LWP with its default settings: it offers `TE`.
# Arguments: a base URL that ends in /v1, a token. Prints the status of three calls.
use strict;
use warnings;
use LWP::UserAgent;

my ($base, $token) = @ARGV;
my $agent = LWP::UserAgent->new(keep_alive => 1);
my @headers = ("Authorization" => "Bearer $token", "Notion-Version" => "2025-09-03");
my @json = ("Content-Type" => "application/json", "Content" => '{"page_size": 1}');
print $agent->get("$base/users/me", @headers)->code, " ";
print $agent->post("$base/search", @headers, @json)->code, " ";
print $agent->get("$base/users/me", @headers)->code, " ";
